#include "wire/callback_url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tocsin::wire {
namespace {

using absl::StatusCode;

constexpr char kSecret[] = "0123456789abcdef0123456789abcdef";
constexpr AttemptKey kAttempt{CampaignId(9'007'199'254'740'993), AttemptId(42)};

CallbackSigner Signer(std::vector<CallbackKey> keys) {
  auto signer = CallbackSigner::Create(std::move(keys));
  EXPECT_TRUE(signer.ok()) << signer.status();
  return *std::move(signer);
}

CallbackSigner Signer() {
  return Signer({{"k1", Secret(kSecret)}});
}

struct Target {
  std::string path;
  std::string query;
};

Target TargetOf(const std::string& url) {
  const std::size_t path = url.find('/', url.find("//") + 2);
  const std::size_t mark = url.find('?');
  return {url.substr(path, mark - path), url.substr(mark + 1)};
}

StatusCode VerifyCode(const CallbackSigner& signer, const std::string& path,
                      const std::string& query) {
  return signer.Verify(path, query).status().code();
}

TEST(CallbackUrl, WhatIsSignedIsVerified) {
  const CallbackSigner signer = Signer();

  const std::string url = signer.Sign({kAttempt, {}}, "http://127.0.0.1:9000/");

  EXPECT_THAT(url,
              testing::StartsWith("http://127.0.0.1:9000/callbacks/9007199254740993/42?k=k1&s="));
  const Target target = TargetOf(url);
  const auto verified = signer.Verify(target.path, target.query);
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_EQ(*verified, (SignedCallback{kAttempt, {}}));
}

TEST(CallbackUrl, APathPrefixLeftByAProxyIsIgnored) {
  const CallbackSigner signer = Signer();
  const Target target = TargetOf(signer.Sign({kAttempt, {}}, "https://example.com/tocsin"));

  EXPECT_EQ(target.path, "/tocsin/callbacks/9007199254740993/42");
  EXPECT_TRUE(signer.Verify(target.path, target.query).ok());
  EXPECT_TRUE(signer.Verify("/callbacks/9007199254740993/42", target.query).ok());
}

TEST(CallbackUrl, TheSignatureIsOfThisAttemptOnly) {
  const CallbackSigner signer = Signer();
  const Target target = TargetOf(signer.Sign({kAttempt, {}}, "http://h"));

  EXPECT_EQ(VerifyCode(signer, "/callbacks/9007199254740993/43", target.query),
            StatusCode::kUnauthenticated);
  EXPECT_EQ(VerifyCode(signer, "/callbacks/9007199254740992/42", target.query),
            StatusCode::kUnauthenticated);
  // The digits stay where they are, only the slash moves.
  EXPECT_EQ(VerifyCode(signer, "/callbacks/900719925474099/342", target.query),
            StatusCode::kUnauthenticated);
}

TEST(CallbackUrl, AnyChangedCharacterOfTheQueryIsRefused) {
  const CallbackSigner signer = Signer();
  const Target target = TargetOf(signer.Sign({kAttempt, {}}, "http://h"));
  for (std::size_t i = 0; i < target.query.size(); ++i) {
    std::string changed = target.query;
    changed[i] = changed[i] == 'x' ? 'y' : 'x';
    EXPECT_FALSE(signer.Verify(target.path, changed).ok()) << i;
    EXPECT_FALSE(signer.Verify(target.path, target.query.substr(0, i)).ok()) << i;
  }
}

TEST(CallbackUrl, ThatATokenIsOwedIsSignedToo) {
  const CallbackSigner signer = Signer();
  const SignedCallback owing{kAttempt, TrunkId(5)};
  const Target target = TargetOf(signer.Sign(owing, "http://h"));
  EXPECT_THAT(target.query, testing::StartsWith("t=5&k=k1&s="));
  EXPECT_EQ(*signer.Verify(target.path, target.query), owing);

  // Nobody can get rid of it, owe it to another trunk, or make somebody else owe it.
  const std::string bare = target.query.substr(4);
  for (const std::string& query : {bare, "t=6&" + bare, "t=&" + bare, "T=5&" + bare}) {
    EXPECT_EQ(VerifyCode(signer, target.path, query), StatusCode::kUnauthenticated) << query;
  }
  EXPECT_EQ(VerifyCode(signer, target.path, "t=6&" + target.query), StatusCode::kUnauthenticated);
  const Target free = TargetOf(signer.Sign({kAttempt, {}}, "http://h"));
  EXPECT_EQ(VerifyCode(signer, free.path, "t=5&" + free.query), StatusCode::kUnauthenticated);
  for (const char* bad : {"t=0&", "t=05&", "t=-5&", "t=x&", "t=5%20&"}) {
    EXPECT_EQ(VerifyCode(signer, target.path, bad + bare), StatusCode::kInvalidArgument) << bad;
  }
}

TEST(CallbackUrl, KeysRotate) {
  const CallbackSigner before = Signer({{"old", Secret(kSecret)}});
  const CallbackSigner during =
      Signer({{"new", Secret("another secret of 16+ bytes")}, {"old", Secret(kSecret)}});
  const CallbackSigner after = Signer({{"new", Secret("another secret of 16+ bytes")}});
  const Target old_url = TargetOf(before.Sign({kAttempt, {}}, "http://h"));
  const Target new_url = TargetOf(during.Sign({kAttempt, {}}, "http://h"));

  EXPECT_THAT(new_url.query, testing::StartsWith("k=new&"));
  EXPECT_TRUE(during.Verify(old_url.path, old_url.query).ok());
  EXPECT_TRUE(during.Verify(new_url.path, new_url.query).ok());
  EXPECT_TRUE(after.Verify(new_url.path, new_url.query).ok());
  EXPECT_EQ(VerifyCode(after, old_url.path, old_url.query), StatusCode::kUnauthenticated);
}

TEST(CallbackUrl, WhatIsNoneOfOursIsMalformed) {
  const CallbackSigner signer = Signer();
  const std::string query = TargetOf(signer.Sign({kAttempt, {}}, "http://h")).query;
  for (const char* path :
       {"", "/", "/callbacks", "/callbacks/", "/callbacks/1", "/callbacks/1/", "/callbacks//1",
        "/callbacks/1/2/3", "/callbacks/1/2/", "/callbacks/+1/2", "/callbacks/-1/2",
        "/callbacks/01/2", "/callbacks/0/2", "/callbacks/1/2x", "/callbacks/%31/2",
        "/callbacks/99999999999999999999/2", "/callback/1/2", "callbacks/1/2"}) {
    EXPECT_EQ(VerifyCode(signer, path, query), StatusCode::kInvalidArgument) << path;
  }
  for (const char* bad : {"", "k=k1", "s=abc", "k=&s=", "k", "k=k1&s", "&&&", "K=k1&S=a"}) {
    EXPECT_EQ(VerifyCode(signer, "/callbacks/1/2", bad), StatusCode::kInvalidArgument) << bad;
  }
}

TEST(CallbackUrl, FurtherQueryParametersAreIgnored) {
  const CallbackSigner signer = Signer();
  const Target target = TargetOf(signer.Sign({kAttempt, {}}, "http://h"));

  EXPECT_TRUE(signer.Verify(target.path, "trace=1&" + target.query + "&x").ok());
}

TEST(CallbackUrl, UnfitKeysAreRefusedByName) {
  const auto message = [](std::vector<CallbackKey> keys) {
    const auto made = CallbackSigner::Create(std::move(keys));
    return made.ok() ? std::string() : std::string(made.status().message());
  };

  EXPECT_THAT(message({}), testing::HasSubstr("at least one"));
  EXPECT_THAT(message({{"a&b", Secret(kSecret)}}), testing::HasSubstr("id of key 1"));
  EXPECT_THAT(message({{"", Secret(kSecret)}}), testing::HasSubstr("id of key 1"));
  EXPECT_THAT(message({{"short", Secret("tiny")}}), testing::HasSubstr("'short'"));
  EXPECT_THAT(message({{"a", Secret(kSecret)}, {"a", Secret(kSecret)}}),
              testing::HasSubstr("twice"));
}

TEST(CallbackUrl, TheSignatureStaysBehind) {
  EXPECT_EQ(WithoutQuery("http://h/callbacks/1/2?k=a&s=b"), "http://h/callbacks/1/2");
  EXPECT_EQ(WithoutQuery("http://h/callbacks/1/2"), "http://h/callbacks/1/2");
}

}  // namespace
}  // namespace tocsin::wire
