#include "db/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/status_macros.h"

namespace tocsin::db {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Refusal(const std::string& url) {
  const auto opened = Connection::Open(Secret(url), SessionKind::kHot);
  EXPECT_EQ(opened.status().code(), absl::StatusCode::kUnavailable);
  return Message(opened.status());
}

// What libpq takes for a port, a host or an encoded character, and quotes.
TEST(Connection, NeverQuotesAPasswordThatNobodyHasEncoded) {
  for (const char* password : {"barra/cuda", "barra@cuda", "barra%cuda", "barra@cu/da"}) {
    EXPECT_THAT(Refusal(fmt::format("postgresql://tocsin:{}@127.0.0.1:1/tocsin", password)),
                AllOf(Not(HasSubstr("barra")), Not(HasSubstr("cu")), HasSubstr("%3A")))
        << password;
  }
  EXPECT_THAT(Refusal("host=127.0.0.1 port=1 password=barra cuda user=tocsin"),
              AllOf(Not(HasSubstr("cuda")), HasSubstr("single quotes")));
}

TEST(Connection, SaysWhereNothingAnswers) {
  EXPECT_THAT(Refusal("postgresql://tocsin:swordfish@127.0.0.1:1/tocsin"),
              AllOf(HasSubstr("\"127.0.0.1\", port 1"), Not(HasSubstr("swordfish"))));
}

}  // namespace
}  // namespace tocsin::db
