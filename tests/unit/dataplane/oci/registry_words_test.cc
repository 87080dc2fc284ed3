#include "dataplane/oci/registry_words.h"

#include <gtest/gtest.h>

#include <string>

namespace connector::dataplane::oci {
namespace {

TEST(RegistryWords, AreCodeAndMessageOfTheFirstError) {
  EXPECT_EQ(RegistryWords(R"({"errors":[{"code":"DENIED","message":"quota exceeded."},{}]})"),
            "DENIED: quota exceeded");
  EXPECT_EQ(RegistryWords(R"({"errors":[{"code":"DENIED"}]})"), "DENIED");
  EXPECT_EQ(RegistryWords(R"({"errors":[{"message":"no"}]})"), "no");
}

TEST(RegistryWords, AreOneLineOfPrintableAscii) {
  EXPECT_EQ(RegistryWords("{\"errors\":[{\"message\":\"a\\r\\nSet-Cookie: \\u00e9\\u001b[2J\"}]}"),
            "a  Set-Cookie:    [2J");
}

TEST(RegistryWords, AreBounded) {
  const std::string body = R"({"errors":[{"message":")" + std::string(10'000, 'x') + "\"}]}";
  EXPECT_EQ(RegistryWords(body).size(), kMaxRegistryWordsBytes);
}

TEST(RegistryWords, AreNoneWhereTheBodyHasAnotherForm) {
  for (const char* const body : {"",
                                 "<html>",
                                 "[]",
                                 "{}",
                                 R"({"errors":{}})",
                                 R"({"errors":[]})",
                                 R"({"errors":["no"]})",
                                 R"({"errors":[{"message":7}]})"}) {
    EXPECT_EQ(RegistryWords(body), "") << body;
  }
}

}  // namespace
}  // namespace connector::dataplane::oci
