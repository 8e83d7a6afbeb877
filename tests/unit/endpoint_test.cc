#include "dialer/endpoint.h"

#include "dialer/provider_text.h"
#include "gtest/gtest.h"

namespace tocsin::dialer {
namespace {

TEST(Endpoint, ReadsSchemesHostsAndPorts) {
  const struct {
    const char* text;
    Endpoint want;
  } cases[] = {
      {"http://127.0.0.1:8089", {false, "127.0.0.1", 8089, "127.0.0.1:8089"}},
      {"http://127.0.0.1:80/", {false, "127.0.0.1", 80, "127.0.0.1"}},
      {"https://res.example.com", {true, "res.example.com", 443, "res.example.com"}},
      {"https://res.example.com:8443", {true, "res.example.com", 8443, "res.example.com:8443"}},
      {"http://[::1]:8089", {false, "::1", 8089, "[::1]:8089"}},
      {"http://[::1]", {false, "::1", 80, "[::1]"}},
  };
  for (const auto& c : cases) {
    const auto parsed = ParseEndpoint(c.text);
    ASSERT_TRUE(parsed.ok()) << c.text;
    EXPECT_EQ(*parsed, c.want) << c.text;
  }
}

TEST(Endpoint, RefusesWhatIsNone) {
  for (const char* text : {"", "127.0.0.1:80", "ftp://a", "http://", "http:///", "http://a/b",
                           "http://a:0", "http://a:65536", "http://a:b", "http://a:", "http://a b",
                           "http://user@a", "http://[::1", "http://[::1]x", "http://a\r\nX: y"}) {
    EXPECT_FALSE(ParseEndpoint(text).ok()) << text;
  }
}

TEST(ProviderText, HidesWhatMayBeANumberAndKeepsCodes) {
  EXPECT_EQ(Scrubbed("+12025550123 is blocked"), "+*** is blocked");
  EXPECT_EQ(Scrubbed("(202) 555-0123"), "(***");
  EXPECT_EQ(Scrubbed("560486: busy"), "560486: busy");
  EXPECT_EQ(Scrubbed("line\nnext\x80"), "line?next?");
  EXPECT_EQ(Scrubbed("Bearer eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJhIn0.c2ln-_x is no good"),
            "Bearer *** is no good");
  EXPECT_EQ(Scrubbed("/callbacks/1/2?k=k1&s=rT3g8pXjF6MCU5GAXoje8S2dxiiDn6je"),
            "/callbacks/1/2?k=k1&***");
  EXPECT_EQ(Scrubbed("Microsoft.Communication.ContinuousDtmfRecognitionStopped"),
            "Microsoft.Communication.ContinuousDtmfRecognitionStopped");
  EXPECT_EQ(Scrubbed("of 3fa85f64-aaaa-4bbb-8ccc-2c963f66afa6"),
            "of 3fa85f64-aaaa-4bbb-8ccc-2c963f66afa6");
}

TEST(ProviderText, IsBounded) {
  EXPECT_EQ(Scrubbed(std::string(10'000, 'x')).size(), 200U);
}

}  // namespace
}  // namespace tocsin::dialer
