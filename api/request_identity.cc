#include "api/request_identity.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <cstdint>

#include "base/uuid.h"
#include "fmt/format.h"

namespace tocsin {
namespace {

constexpr std::size_t kRequestIdMax = 100;

// FNV-1a.
std::uint64_t Hash(std::string_view bytes, std::uint64_t hash) {
  for (const char byte : bytes) {
    hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001B3ULL;
  }
  return hash;
}

// Maps have no order of their own: only deterministic serialization is the same
// every time.
std::string Serialized(const google::protobuf::Message& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  return bytes;
}

}  // namespace

std::string Fingerprint(std::string_view method, const google::protobuf::Message& message) {
  const std::string bytes = Serialized(message);
  std::uint64_t hash = Hash(method, 0xCBF29CE484222325ULL);
  hash = Hash(std::string_view("\0", 1), hash);
  return fmt::format("{:016x}-{}", Hash(bytes, hash), bytes.size());
}

ApiRequest IdentifyRequest(TenantId tenant, std::string_view method, std::string request_id,
                           const google::protobuf::Message& message, std::string actor,
                           std::vector<FieldViolation>& violations) {
  const bool printable =
      std::all_of(request_id.begin(), request_id.end(), [](char c) { return c > ' ' && c < 0x7F; });
  if (!printable || request_id.size() > kRequestIdMax) {
    violations.push_back(
        {"request_id", "must have at most 100 printable ASCII characters; a UUID is best"});
  }
  if (request_id.empty()) request_id = RandomUuid();
  return {.tenant = tenant,
          .request_id = std::move(request_id),
          .fingerprint = Fingerprint(method, message),
          .actor = std::move(actor)};
}

}  // namespace tocsin
