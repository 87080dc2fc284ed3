#include "broker/root_key/root_keys.h"

#include "tests/support/cpp/root_keys.h"
#include "tests/support/cpp/scratch_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace connector::broker::root_key {
namespace {

using ::testing::HasSubstr;
using testing_support::MakeRootKeys;
using testing_support::ReplaceFile;

class ReadRootKeysTest : public ::testing::Test {
 protected:
  void Put(const std::string& suffix, char key) {
    ReplaceFile(file_ + suffix, std::string(kMinRootKeyBytes, key));
  }
  // Empty when the files can be used.
  [[nodiscard]] std::string Problem() const {
    const auto keys = ReadRootKeys(file_);
    return keys ? "" : keys.error().message;
  }

  testing_support::ScratchDir dir_;
  const std::string file_ = dir_ / "root.key";
};

TEST_F(ReadRootKeysTest, TakesTheCurrentTheNextAndThePreviousOne) {
  Put("", 'a');
  EXPECT_TRUE(*ReadRootKeys(file_) == MakeRootKeys("a"));
  Put(".previous", 'c');
  EXPECT_TRUE(*ReadRootKeys(file_) == MakeRootKeys("ac"));
  Put(".next", 'b');
  EXPECT_TRUE(*ReadRootKeys(file_) == MakeRootKeys("abc"));
}

TEST_F(ReadRootKeysTest, CountsOneKeyOnce) {
  Put("", 'a');
  Put(".previous", 'a');
  EXPECT_TRUE(*ReadRootKeys(file_) == MakeRootKeys("a"));
}

TEST_F(ReadRootKeysTest, SaysWhichFileCannotBeUsed) {
  Put(".next", 'b');
  EXPECT_THAT(Problem(), HasSubstr("root.key: "));

  ReplaceFile(file_, std::string(kMinRootKeyBytes - 1, 'a'));
  EXPECT_THAT(Problem(), HasSubstr("root.key: holds fewer than 32 bytes; make one"));

  Put("", 'a');
  ReplaceFile(file_ + ".previous", "");
  EXPECT_THAT(Problem(), HasSubstr("root.key.previous: holds fewer than 32 bytes"));
}

// Found by trying: else the sealing keys of both would have the same ids.
TEST_F(ReadRootKeysTest, RefusesTwoKeysThatCannotBeToldApart) {
  Put("", 'a');
  const std::uint16_t tag = TagOf(MakeRootKeys("a").current());
  std::string key(kMinRootKeyBytes, 'b');
  for (std::uint32_t i = 0; TagOf(Secret(key)) != tag; ++i) {
    key.replace(0, 8, std::to_string(10'000'000 + i));
  }
  ReplaceFile(file_ + ".next", key);

  EXPECT_THAT(Problem(), HasSubstr("make another new key"));
}

TEST(RootKeyId, TellsKeysApartAndNothingOfThem) {
  const RootKeys keys = MakeRootKeys("ab");
  EXPECT_NE(IdOf(keys.all()[0]), IdOf(keys.all()[1]));
  EXPECT_EQ(IdOf(keys.current()), IdOf(MakeRootKeys("a").current()));
  EXPECT_EQ(IdOf(keys.current()).size(), 16U);
}

}  // namespace
}  // namespace connector::broker::root_key
