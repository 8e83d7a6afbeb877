#include "wire/request_signing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "wire/digest.h"

namespace tocsin::wire {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

// The provider's own client with a frozen clock produced these.
constexpr char kAccessKey[] = "YnVsay1kaWFsZXItdGVzdC1rZXktMDEyMzQ1Njc4OSE=";
constexpr char kDate[] = "Wed, 05 May 2021 20:08:39 GMT";
constexpr char kTarget[] = "/calling/callConnections?api-version=2026-03-12";
constexpr char kHost[] = "contoso.communication.azure.com";
constexpr char kBody[] = R"({"targets":[{"kind":"phoneNumber","rawId":"4:+14255550123",)"
                         R"("phoneNumber":{"value":"+14255550123"}}],)"
                         R"("sourceCallerIdNumber":{"value":"+18005550100"},)"
                         R"("callbackUri":"https://dialer.example.com/cb?c=1"})";
constexpr char kBodyHash[] = "PRXmkzP6VJcbDjXwtHcEigMdrlmgIFiukOW9xFArU+s=";
constexpr char kAuthorization[] =
    "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature="
    "wUwwf1qSTUKwvLmwurvZoirKvX9ulZc+WYhb4icC5XY=";

const absl::Time kNow = absl::FromUnixSeconds(1'620'245'319);

RequestSigner Signer() {
  return RequestSigner(Secret(DecodeBase64(kAccessKey).value()));
}

RequestToSign Request() {
  return {.method = "POST", .path_and_query = kTarget, .host = kHost, .body = kBody};
}

RequestSignature Signature() {
  return {.authorization = kAuthorization, .date = kDate, .content_sha256 = kBodyHash};
}

TEST(RequestSigning, TheProvidersOwnVectorByteForByte) {
  ASSERT_EQ(std::string_view(kBody).size(), 198U);

  const auto headers = Signer().Sign(Request(), kNow);

  EXPECT_THAT(headers,
              testing::UnorderedElementsAre(testing::Pair("x-ms-date", kDate),
                                            testing::Pair("x-ms-content-sha256", kBodyHash),
                                            testing::Pair("Authorization", kAuthorization)));
  EXPECT_TRUE(Signer().Verify(Request(), Signature(), kNow).ok());
}

TEST(RequestSigning, AnEmptyBodyHasItsHashToo) {
  std::map<std::string, std::string> headers;
  for (const auto& [name, value] :
       Signer().Sign({.method = "POST", .path_and_query = "/x", .host = "h"}, kNow)) {
    headers[name] = value;
  }

  EXPECT_EQ(headers["x-ms-content-sha256"], "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
}

TEST(RequestSigning, EveryPartOfTheRequestIsSigned) {
  const auto refused = [](const RequestToSign& request) {
    return Signer().Verify(request, Signature(), kNow).code() == StatusCode::kUnauthenticated;
  };
  RequestToSign request = Request();
  request.method = "PUT";
  EXPECT_TRUE(refused(request));
  request = Request();
  request.path_and_query = "/calling/callConnections?api-version=2026-03-13";
  EXPECT_TRUE(refused(request));
  request = Request();
  request.host = "contoso.communication.azure.com:443";
  EXPECT_TRUE(refused(request));
  request = Request();
  const std::string body = std::string(kBody) + " ";
  request.body = body;
  EXPECT_TRUE(refused(request));
  EXPECT_EQ(RequestSigner(Secret("another key")).Verify(Request(), Signature(), kNow).code(),
            StatusCode::kUnauthenticated);
}

TEST(RequestSigning, MissingOrForeignHeadersAreNamed) {
  const auto message = [](const RequestSignature& signature) {
    const absl::Status status = Signer().Verify(Request(), signature, kNow);
    EXPECT_EQ(status.code(), StatusCode::kUnauthenticated);
    return std::string(status.message());
  };
  RequestSignature signature = Signature();
  signature.authorization = "";
  EXPECT_THAT(message(signature), HasSubstr("Authorization"));
  signature.authorization = "Bearer abc";
  EXPECT_THAT(message(signature), HasSubstr("Authorization"));
  signature = Signature();
  signature.date = "yesterday";
  EXPECT_THAT(message(signature), HasSubstr("x-ms-date"));
  signature = Signature();
  signature.content_sha256 = "";
  EXPECT_THAT(message(signature), HasSubstr("x-ms-content-sha256"));
}

TEST(RequestSigning, AQuarterOfAnHourOfSkewAndNoMore) {
  const auto code = [](absl::Duration skew) {
    return Signer().Verify(Request(), Signature(), kNow + skew).code();
  };

  EXPECT_EQ(code(absl::Minutes(15)), StatusCode::kOk);
  EXPECT_EQ(code(-absl::Minutes(15)), StatusCode::kOk);
  EXPECT_EQ(code(absl::Minutes(15) + absl::Seconds(1)), StatusCode::kUnauthenticated);
  EXPECT_EQ(code(-absl::Minutes(15) - absl::Seconds(1)), StatusCode::kUnauthenticated);
}

TEST(RequestSigning, DatesAreRfc1123AndNothingElse) {
  EXPECT_EQ(FormatRfc1123(kNow), kDate);
  ASSERT_TRUE(ParseRfc1123(kDate).ok());
  EXPECT_EQ(*ParseRfc1123(kDate), kNow);
  for (const char* text :
       {"", "Wed, 5 May 2021 20:08:39 GMT", "Thu, 05 May 2021 20:08:39 GMT",
        "Wed, 05 May 2021 20:08:39 UTC", "Wed, 05 May 2021 20:08:39", "2021-05-05T20:08:39Z",
        " Wed, 05 May 2021 20:08:39 GMT", "Wed, 05 May 2021 24:08:39 GMT", "infinite-future"}) {
    EXPECT_FALSE(ParseRfc1123(text).ok()) << text;
  }
}

TEST(ConnectionString, IsReadInAnyCaseAndOrder) {
  for (const char* text : {"endpoint=https://res.communication.azure.com/;accesskey=a2V5",
                           "Endpoint=https://res.communication.azure.com;AccessKey=a2V5;",
                           "accesskey=a2V5;endpoint=https://res.communication.azure.com/"}) {
    const auto parsed = ParseConnectionString(text);
    ASSERT_TRUE(parsed.ok()) << text << parsed.status();
    EXPECT_EQ(parsed->endpoint, "https://res.communication.azure.com");
    EXPECT_EQ(parsed->access_key.Reveal(), "key");
  }
  const auto padded = ParseConnectionString("endpoint=http://127.0.0.1:8089;accesskey=YQ==");
  ASSERT_TRUE(padded.ok());
  EXPECT_EQ(padded->endpoint, "http://127.0.0.1:8089");
  EXPECT_EQ(padded->access_key.Reveal(), "a");
}

TEST(ConnectionString, SaysWhatIsWrongWithoutTheKey) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "endpoint is missing"},
      {"endpoint=https://h", "accesskey is missing"},
      {"accesskey=a2V5", "endpoint is missing"},
      {"endpoint=h;accesskey=c2VjcmV0", "must start with https://"},
      {"endpoint=https://;accesskey=c2VjcmV0", "name a host"},
      {"endpoint=https://h/base/;accesskey=c2VjcmV0", "without path"},
      {"endpoint=https://h;accesskey=c2VjcmV0!", "base64"},
      {"endpoint=https://h;accesskey=", "base64"},
      {"endpoint=https://h;endpoint=https://h;accesskey=c2VjcmV0", "twice"},
      {"endpoint=https://h;key=c2VjcmV0", "only endpoint"},
      {"c2VjcmV0", "only endpoint"},
      {"endpoint=h;accesskey=c2VjcmV0!;x=y",
       "only endpoint=... and accesskey=..., separated by ';', are known; endpoint must start with "
       "https:// or http://; accesskey must be the base64 text of the key"},
  };
  for (const auto& [text, expected] : cases) {
    const auto parsed = ParseConnectionString(text);
    ASSERT_EQ(parsed.status().code(), StatusCode::kInvalidArgument) << text;
    const std::string message(parsed.status().message());
    EXPECT_THAT(message, HasSubstr(expected));
    EXPECT_THAT(message, testing::Not(HasSubstr("c2VjcmV0")));
  }
}

}  // namespace
}  // namespace tocsin::wire
