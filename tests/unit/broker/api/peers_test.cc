#include "broker/api/peers.h"

#include <gtest/gtest.h>

namespace connector::broker::api {
namespace {

const PeerLists kLists{{"spiffe://local/dataplane"}, {"spiffe://local/operator"}};

std::string Methods(const std::vector<std::string>& sans) {
  std::string allowed;
  for (const auto& [method, name] :
       {std::pair{BrokerMethod::kIssueToken, "issue "},
        std::pair{BrokerMethod::kWatchRoutes, "watch "},
        std::pair{BrokerMethod::kGetSealingKeys, "keys "},
        std::pair{BrokerMethod::kCheckConnector, "check "},
        std::pair{BrokerMethod::kExplainAccess, "explain "},
        std::pair{BrokerMethod::kIssueListenerCertificate, "certify "},
        std::pair{BrokerMethod::kGetListenerAuthority, "authority "}}) {
    allowed += AllowedPeer(kLists, method, sans) ? name : "";
  }
  return allowed;
}

TEST(AllowedPeer, GivesEachListItsMethods) {
  EXPECT_EQ(Methods({"spiffe://local/dataplane"}), "issue watch keys certify authority ");
  EXPECT_EQ(Methods({"spiffe://local/operator"}), "watch check explain authority ");
  EXPECT_EQ(Methods({"other", "spiffe://local/dataplane"}), "issue watch keys certify authority ");
}

TEST(AllowedPeer, ComparesNamesWhole) {
  EXPECT_EQ(Methods({}), "");
  EXPECT_EQ(Methods({""}), "");
  EXPECT_EQ(Methods({"spiffe://local/dataplane/x"}), "");
  EXPECT_EQ(Methods({"spiffe://local"}), "");
  EXPECT_EQ(Methods({"SPIFFE://LOCAL/DATAPLANE"}), "");
}

}  // namespace
}  // namespace connector::broker::api
