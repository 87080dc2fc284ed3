#include "dataplane/server/caller.h"

#include "common/base/encoding.h"

#include <gtest/gtest.h>

#include <string>

namespace connector::dataplane::server {
namespace {

std::string TokenOf(std::string_view authorization) {
  const std::optional<Secret> token = ReadCallerToken(authorization);
  return token ? std::string(token->Reveal()) : "(none)";
}

TEST(ReadCallerToken, TakesThePasswordOfBasicWhateverTheUser) {
  EXPECT_EQ(TokenOf("Basic " + Base64Encode("any:tok.en")), "tok.en");
  EXPECT_EQ(TokenOf("basic " + Base64Encode(":tok.en")), "tok.en");
  EXPECT_EQ(TokenOf("Basic " + Base64Encode("u:a:b")), "a:b");
}

TEST(ReadCallerToken, TakesABearerToken) {
  EXPECT_EQ(TokenOf("Bearer tok.en"), "tok.en");
  EXPECT_EQ(TokenOf("BEARER   tok.en"), "tok.en");
}

TEST(ReadCallerToken, ReadsEverythingElseAsNoCredential) {
  EXPECT_EQ(TokenOf(""), "(none)");
  EXPECT_EQ(TokenOf("Basic"), "(none)");
  EXPECT_EQ(TokenOf("Basic Og=="), "(none)") << "an empty user and password";
  EXPECT_EQ(TokenOf("Basic " + Base64Encode("no colon")), "(none)");
  EXPECT_EQ(TokenOf("Basic !!!"), "(none)");
  EXPECT_EQ(TokenOf("Digest x"), "(none)");
  EXPECT_EQ(TokenOf("Bearer "), "(none)");
  EXPECT_EQ(TokenOf("Bearer a b"), "(none)");
  EXPECT_EQ(TokenOf("Basic " + Base64Encode(std::string("u:a\0b", 5))), "(none)");
  EXPECT_EQ(TokenOf("Bearer " + std::string(kMaxCallerTokenBytes + 1, 'a')), "(none)");
}

}  // namespace
}  // namespace connector::dataplane::server
