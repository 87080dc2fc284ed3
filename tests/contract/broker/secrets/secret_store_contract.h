#pragma once

// What every SecretStore promises, as tests. A store's own test file makes a harness and
// instantiates this suite with it:
//
//   struct Harness {
//     secrets::SecretStore& store();
//     void Put(const SecretRef& ref, const std::string& type, Fields fields);  // Or replace.
//     void Remove(const SecretRef& ref);
//     static SecretRef Ref(const std::string& ns, const std::string& name);
//     static std::vector<std::string> Types();  // Those that one place in the store can have.
//     static std::string Odd();                 // The oddest bytes that a value can have there.
//   };
//
// KubernetesSecrets below has the last three for a store of Kubernetes Secrets.
//
// Two harnesses made one after the other stand for two brokers of one installation.

#include "broker/secrets/secret_store.h"
#include "tests/contract/broker/secrets/notifications.h"
#include "tests/support/cpp/result_matchers.h"
#include "tests/support/cpp/run_task.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace connector::broker::secrets {

using Fields = std::map<std::string, std::string>;

struct KubernetesSecrets {
  static SecretRef Ref(const std::string& ns, const std::string& name) { return {ns, name}; }
  static std::vector<std::string> Types() { return {"Opaque", "kubernetes.io/basic-auth"}; }
  static std::string Odd() { return "p\n\xff"; }
};

template <typename Harness>
class SecretStoreContract : public ::testing::Test {
 protected:
  static Result<StoredSecret> Fetch(Harness& harness, const SecretRef& ref) {
    return testing_support::RunTask(
        harness.store().Fetch(ref, std::chrono::steady_clock::now() + std::chrono::seconds(10)));
  }
  Result<StoredSecret> Fetch(const SecretRef& ref) { return Fetch(harness_, ref); }

  // Type and content as one text; empty when the store has none.
  std::string Content(const SecretRef& ref) {
    const Result<StoredSecret> secret = Fetch(ref);
    std::string out = secret ? secret->type : std::string();
    if (secret) {
      for (const auto& [key, value] : secret->data) {
        out += "|" + key + "=" + std::string(value.Reveal());
      }
    }
    return out;
  }
  std::string Version(Harness& harness, const SecretRef& ref) {
    const Result<StoredSecret> secret = Fetch(harness, ref);
    return secret ? secret->version : std::string();
  }

  Harness harness_;
  const SecretRef ref_ = Harness::Ref("team-a", "registry");
  const SecretRef other_ = Harness::Ref("team-a", "other");
};

TYPED_TEST_SUITE_P(SecretStoreContract);

TYPED_TEST_P(SecretStoreContract, ReturnsTheTypeAndTheBytesThatWerePut) {
  const std::string odd = TypeParam::Odd();
  this->harness_.Put(this->ref_, "Opaque", {{"username", "u"}, {"password", odd}});

  EXPECT_EQ(this->Content(this->ref_), "Opaque|password=" + odd + "|username=u");
}

TYPED_TEST_P(SecretStoreContract, DoesNotCrossNamespaces) {
  this->harness_.Put(this->ref_, "Opaque", {{"password", "p"}});

  EXPECT_THAT(this->Fetch(TypeParam::Ref("team-b", "registry")),
              testing_support::HasError(ErrorCode::kNotFound));
}

TYPED_TEST_P(SecretStoreContract, SaysThatASecretIsNotThere) {
  EXPECT_THAT(this->Fetch(this->ref_), testing_support::HasError(ErrorCode::kNotFound));
}

TYPED_TEST_P(SecretStoreContract, ForgetsASecretThatWasRemoved) {
  this->harness_.Put(this->ref_, "Opaque", {{"password", "p"}});
  ASSERT_TRUE(this->Fetch(this->ref_).has_value());

  this->harness_.Remove(this->ref_);

  EXPECT_THAT(this->Fetch(this->ref_), testing_support::HasError(ErrorCode::kNotFound));
}

TYPED_TEST_P(SecretStoreContract, ReadsARotatedSecretAtOnce) {
  this->harness_.Put(this->ref_, "Opaque", {{"password", "old"}});
  ASSERT_EQ(this->Content(this->ref_), "Opaque|password=old");

  this->harness_.Put(this->ref_, "Opaque", {{"password", "new"}});

  EXPECT_EQ(this->Content(this->ref_), "Opaque|password=new");
}

TYPED_TEST_P(SecretStoreContract, GivesEveryContentItsOwnVersion) {
  std::vector<std::string> versions;
  const std::vector<Fields> contents = {{{"password", "p"}},
                                        {{"password", "q"}},
                                        {{"passwor", "dq"}},
                                        {{"passwor", "dq"}, {"x", ""}}};
  for (const std::string& type : TypeParam::Types()) {
    for (const Fields& fields : contents) {
      this->harness_.Put(this->ref_, type, fields);
      versions.push_back(this->Version(this->harness_, this->ref_));
    }
  }
  std::sort(versions.begin(), versions.end());
  EXPECT_EQ(std::unique(versions.begin(), versions.end()), versions.end());
  EXPECT_NE(versions.front(), "");
}

TYPED_TEST_P(SecretStoreContract, GivesOneContentOneVersionOnEveryBroker) {
  TypeParam second;
  this->harness_.Put(this->ref_, "Opaque", {{"password", "p"}});
  second.Put(this->ref_, "Opaque", {{"password", "p"}});

  EXPECT_EQ(this->Version(this->harness_, this->ref_), this->Version(second, this->ref_));
}

TYPED_TEST_P(SecretStoreContract, ShowsNoContentInAVersion) {
  this->harness_.Put(this->ref_, "Opaque", {{"password", "hunter2"}});

  EXPECT_THAT(this->Version(this->harness_, this->ref_),
              ::testing::Not(::testing::HasSubstr("hunter2")));
}

TYPED_TEST_P(SecretStoreContract, TellsThatAFollowedSecretAppearedChangedAndVanished) {
  Notifications seen;
  this->harness_.store().Follow({this->ref_}, seen.Listener());

  this->harness_.Put(this->ref_, "Opaque", {{"password", "p"}});
  EXPECT_TRUE(seen.WaitFor(this->ref_, 1)) << "appeared";
  this->harness_.Put(this->ref_, "Opaque", {{"password", "q"}});
  EXPECT_TRUE(seen.WaitFor(this->ref_, 2)) << "changed";
  this->harness_.Remove(this->ref_);
  EXPECT_TRUE(seen.WaitFor(this->ref_, 3)) << "vanished";
}

TYPED_TEST_P(SecretStoreContract, TellsNothingOfSecretsThatAreNotFollowed) {
  Notifications seen;
  this->harness_.store().Follow({this->ref_}, seen.Listener());

  this->harness_.Put(this->other_, "Opaque", {{"password", "p"}});
  this->harness_.Put(this->ref_, "Opaque", {{"password", "p"}});

  ASSERT_TRUE(seen.WaitFor(this->ref_, 1));
  EXPECT_EQ(seen.Count(this->other_), 0);
}

TYPED_TEST_P(SecretStoreContract, ReplacesWhatWasFollowedBefore) {
  Notifications before;
  Notifications after;
  this->harness_.store().Follow({this->ref_}, before.Listener());
  this->harness_.store().Follow({this->other_}, after.Listener());

  this->harness_.Put(this->ref_, "Opaque", {{"password", "p"}});
  this->harness_.Put(this->other_, "Opaque", {{"password", "p"}});

  ASSERT_TRUE(after.WaitFor(this->other_, 1));
  EXPECT_EQ(before.Count(this->ref_), 0);
  EXPECT_EQ(after.Count(this->ref_), 0);
}

REGISTER_TYPED_TEST_SUITE_P(SecretStoreContract,
                            ReturnsTheTypeAndTheBytesThatWerePut,
                            DoesNotCrossNamespaces,
                            SaysThatASecretIsNotThere,
                            ForgetsASecretThatWasRemoved,
                            ReadsARotatedSecretAtOnce,
                            GivesEveryContentItsOwnVersion,
                            GivesOneContentOneVersionOnEveryBroker,
                            ShowsNoContentInAVersion,
                            TellsThatAFollowedSecretAppearedChangedAndVanished,
                            TellsNothingOfSecretsThatAreNotFollowed,
                            ReplacesWhatWasFollowedBefore);

}  // namespace connector::broker::secrets
