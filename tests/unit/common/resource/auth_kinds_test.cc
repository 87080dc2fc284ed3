#include "common/resource/auth_kinds.h"

#include "common/config/yaml_scalar.h"

#include "proto/connector/config/v1/resource.pb.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace connector::resource {
namespace {

TEST(AuthKinds, AreAllNamesThatAFileMayWrite) {
  std::vector<std::string> written;
  const auto* names = config::v1::AuthName_descriptor();
  for (int i = 1; i < names->value_count(); ++i) {
    written.push_back(
        config::CamelCase(names->value(i)->name().substr(std::string("AUTH_NAME_").size())));
  }
  for (const AuthKindRow& row : kAuthKinds) {
    EXPECT_THAT(written, ::testing::Contains(row.name));
  }
}

TEST(AuthKinds, AreFoundByName) {
  for (const AuthKindRow& row : kAuthKinds) {
    EXPECT_EQ(FindAuthKind(row.name), &row);
    EXPECT_EQ(&RowOf(row.kind), &row);
  }
  EXPECT_EQ(FindAuthKind(""), nullptr);
}

TEST(AuthKinds, AllKnowTheRepositoryOfTheHealthCheck) {
  for (const AuthKindRow& row : kAuthKinds) {
    const AuthParameter* repository = FindParameter(row.kind, "repository");
    ASSERT_NE(repository, nullptr) << row.name;
    EXPECT_TRUE(repository->accepts("library/ubuntu"));
    EXPECT_FALSE(repository->accepts("Library/Ubuntu"));
    EXPECT_EQ(FindParameter(row.kind, "region"), nullptr) << row.name;
  }
}

}  // namespace
}  // namespace connector::resource
