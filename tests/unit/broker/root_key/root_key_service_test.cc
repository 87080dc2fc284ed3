#include "broker/root_key/root_key_service.h"

#include "tests/support/cpp/eventually.h"
#include "tests/support/cpp/root_keys.h"
#include "tests/support/cpp/scratch_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <vector>

namespace connector::broker::root_key {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing_support::MakeRootKeys;
using testing_support::ReplaceFile;

class RootKeyServiceTest : public ::testing::Test {
 protected:
  RootKeyServiceTest() { Put("", 'a'); }

  void Put(const std::string& suffix, char key) {
    ReplaceFile(file_ + suffix, std::string(kMinRootKeyBytes, key));
  }
  [[nodiscard]] bool Active(const char* names) const {
    return *active_.Current() == MakeRootKeys(names);
  }
  std::vector<std::string> Degraded() const {
    admin::Readiness readiness;
    service_.AddReadiness(readiness);
    return readiness.degraded;
  }

  testing_support::ScratchDir dir_;
  const std::string file_ = dir_ / "root.key";
  log::Logger log_{2, "test", static_cast<log::Level>(99)};
  ActiveRootKeys active_{testing_support::ShareRootKeys("a")};
  std::atomic<int> changes_ = 0;
  RootKeyService service_{file_, {active_, log_, [this](const RootKeysPtr&) { ++changes_; }}};
};

TEST_F(RootKeyServiceTest, PutsEachStepOfAReplacementInForce) {
  service_.Poll();
  EXPECT_EQ(changes_, 0) << "nothing has changed since the start";

  Put(".next", 'b');
  service_.Poll();
  EXPECT_TRUE(Active("ab"));

  Put(".previous", 'a');
  Put("", 'b');
  std::filesystem::remove(file_ + ".next");
  service_.Poll();
  EXPECT_TRUE(Active("ba"));

  std::filesystem::remove(file_ + ".previous");
  service_.Poll();
  EXPECT_TRUE(Active("b"));
  EXPECT_EQ(changes_, 3);
  EXPECT_THAT(Degraded(), IsEmpty());
}

TEST_F(RootKeyServiceTest, KeepsAKeyThatWouldBeForgotten) {
  Put("", 'b');
  service_.Poll();

  EXPECT_TRUE(Active("a"));
  EXPECT_THAT(Degraded(), ElementsAre(HasSubstr("root.key.previous has not the one in force")));

  Put(".previous", 'a');
  service_.Poll();
  EXPECT_TRUE(Active("ba"));
  EXPECT_THAT(Degraded(), IsEmpty());
}

TEST_F(RootKeyServiceTest, KeepsTheKeysWhenAFileCannotBeUsed) {
  ReplaceFile(file_ + ".next", "too short");
  service_.Poll();
  EXPECT_TRUE(Active("a"));
  EXPECT_THAT(Degraded(), ElementsAre(HasSubstr("root.key.next: holds fewer than 32 bytes")));

  std::filesystem::remove(file_ + ".next");
  service_.Poll();
  EXPECT_THAT(Degraded(), IsEmpty());
  EXPECT_EQ(changes_, 0);
}

TEST_F(RootKeyServiceTest, LooksByItself) {
  ASSERT_TRUE(service_.Start().has_value());
  Put(".next", 'b');

  EXPECT_TRUE(testing_support::Eventually([this] { return changes_ == 1; }));
  EXPECT_TRUE(Active("ab"));
  service_.Stop(Deadline::max());
}

TEST_F(RootKeyServiceTest, ShowsWhichKeysThisBrokerHas) {
  Put(".next", 'b');
  service_.Poll();
  admin::StatusReport status;
  service_.AddStatus(status);

  const RootKeysPtr keys = active_.Current();
  ASSERT_EQ(status.sections.size(), 1U);
  EXPECT_EQ(status.sections[0].title, "Root key");
  EXPECT_EQ(status.sections[0].rows[0].second, IdOf(keys->all()[0]));
  EXPECT_EQ(status.sections[0].rows[1].second, IdOf(keys->all()[1]));
}

}  // namespace
}  // namespace connector::broker::root_key
