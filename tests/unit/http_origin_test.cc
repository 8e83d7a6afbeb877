#include "base/http_origin.h"

#include <gtest/gtest.h>

namespace tocsin {
namespace {

TEST(HttpOrigin, HasThePortOfItsSchemeIfItNamesNone) {
  const auto plain = ParseHttpOrigin("http://localhost"),
             tls = ParseHttpOrigin("https://a.example");

  ASSERT_TRUE(plain && tls);
  EXPECT_FALSE(plain->tls);
  EXPECT_EQ(plain->port, 80);
  EXPECT_EQ(plain->authority(), "localhost");
  EXPECT_TRUE(tls->tls);
  EXPECT_EQ(tls->port, 443);
  EXPECT_EQ(tls->authority(), "a.example");
}

TEST(HttpOrigin, AnAddressOfIpv6StandsInBrackets) {
  const auto origin = ParseHttpOrigin("https://[::1]:80");

  ASSERT_TRUE(origin);
  EXPECT_EQ(origin->host, "::1");
  EXPECT_EQ(origin->port, 80);
  EXPECT_EQ(origin->authority(), "[::1]:80");
}

TEST(HttpOrigin, WhatIsNoneIsNone) {
  for (const char* text :
       {"", "localhost:80", "ftp://a", "http://", "http://a:", "http://a:0", "http://a:65536",
        "http://a:8x", "http://[]:80", "http://a b", "http://a\r\nX:80", "http://\xc3\xa4"}) {
    EXPECT_FALSE(ParseHttpOrigin(text)) << text;
  }
}

}  // namespace
}  // namespace tocsin
