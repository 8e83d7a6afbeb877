#include "base/host_port.h"

#include <gtest/gtest.h>

namespace tocsin {
namespace {

TEST(HostPort, AddressesOfIpv6AreBracketedOnce) {
  EXPECT_EQ(JoinHostPort("::1", 80), "[::1]:80");
  EXPECT_EQ(JoinHostPort("[::1]", 80), "[::1]:80");
}

TEST(HostPort, NamesAndAddressesOfIpv4AreNot) {
  EXPECT_EQ(JoinHostPort("127.0.0.1", 7233), "127.0.0.1:7233");
  EXPECT_EQ(JoinHostPort("localhost", 0), "localhost:0");
}

}  // namespace
}  // namespace tocsin
