#include "api/grpc_status.h"

#include <algorithm>

#include "base/check.h"
#include "base/status_macros.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/support/error_details.h"

namespace tocsin {
namespace {

constexpr char kTypePrefix[] = "type.googleapis.com/";
constexpr std::size_t kToldMax = 5;

template <class Detail>
void Attach(absl::Status& status, const Detail& detail) {
  status.SetPayload(kTypePrefix + detail.GetDescriptor()->full_name(),
                    absl::Cord(detail.SerializeAsString()));
}

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  google::rpc::Status rich;
  rich.set_code(static_cast<int>(status.code()));
  rich.set_message(Message(status));
  status.ForEachPayload([&](absl::string_view type_url, const absl::Cord& value) {
    google::protobuf::Any& detail = *rich.add_details();
    detail.set_type_url(std::string(type_url.data(), type_url.size()));
    detail.set_value(std::string(value));
  });
  // Without details there is no need to say everything twice.
  return {static_cast<grpc::StatusCode>(status.code()), rich.message(),
          rich.details().empty() ? "" : rich.SerializeAsString()};
}

absl::Status InvalidFields(const std::vector<FieldViolation>& violations) {
  TOCSIN_CHECK(!violations.empty());
  google::rpc::BadRequest bad;
  std::string message;
  for (std::size_t i = 0; i < violations.size(); ++i) {
    google::rpc::BadRequest::FieldViolation& violation = *bad.add_field_violations();
    violation.set_field(violations[i].field);
    violation.set_description(violations[i].description);
    if (i < kToldMax) {
      message += fmt::format("{}{}: {}", i == 0 ? "" : "; ", violations[i].field,
                             violations[i].description);
    }
  }
  if (violations.size() > kToldMax) {
    message += fmt::format("; and {} more", violations.size() - kToldMax);
  }
  absl::Status status = absl::InvalidArgumentError(message);
  Attach(status, bad);
  return status;
}

absl::Status CheckFields(const std::vector<FieldViolation>& violations) {
  return violations.empty() ? absl::OkStatus() : InvalidFields(violations);
}

absl::Status ImportInterrupted(const absl::Status& status, std::int64_t batches_stored,
                               std::int64_t rows_stored, const std::string& request_id) {
  google::rpc::ErrorInfo info;
  info.set_reason("IMPORT_INTERRUPTED");
  info.set_domain("tocsin");
  (*info.mutable_metadata())["batches_stored"] = std::to_string(batches_stored);
  (*info.mutable_metadata())["rows_stored"] = std::to_string(rows_stored);
  (*info.mutable_metadata())["request_id"] = request_id;
  absl::Status interrupted = MakeStatus(
      status.code(),
      "{}; {} rows are stored; repeat the import with request_id {} and the same batches to go on",
      Message(status), rows_stored, request_id);
  Attach(interrupted, info);
  return interrupted;
}

}  // namespace tocsin
