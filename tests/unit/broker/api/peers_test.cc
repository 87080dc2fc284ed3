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
  EXPECT_EQ(Methods({"spiffe://local/operator"}), "check explain authority ");
  EXPECT_EQ(Methods({"other", "spiffe://local/dataplane"}), "issue watch keys certify authority ");
}

TEST(AllowedPeer, ComparesNamesWhole) {
  EXPECT_EQ(Methods({}), "");
  EXPECT_EQ(Methods({""}), "");
  EXPECT_EQ(Methods({"spiffe://local/dataplane/x"}), "");
  EXPECT_EQ(Methods({"spiffe://local"}), "");
  EXPECT_EQ(Methods({"SPIFFE://LOCAL/DATAPLANE"}), "");
}

TEST(AllowedPeer, NamesTheReplicaOfAnEntryForAll) {
  const PeerLists lists{{"spiffe://local/dataplane/*"}, {"spiffe://local/operator"}};

  EXPECT_EQ(AllowedPeer(lists, BrokerMethod::kIssueToken, {"spiffe://local/dataplane/pod-1"}),
            "spiffe://local/dataplane/pod-1");
  EXPECT_EQ(AllowedPeer(lists, BrokerMethod::kCheckConnector, {"spiffe://local/dataplane/pod-1"}),
            std::nullopt);
}

TEST(NamesPeer, TakesExactlyOneMoreComponent) {
  const std::string entry = "spiffe://local/dataplane/*";
  EXPECT_TRUE(NamesPeer(entry, "spiffe://local/dataplane/oci-dataplane-7f9c-x2x.y_z"));
  for (const char* name : {"spiffe://local/dataplane",
                           "spiffe://local/dataplane/",
                           "spiffe://local/dataplane/.",
                           "spiffe://local/dataplane/..",
                           "spiffe://local/dataplane/a/b",
                           "spiffe://local/dataplane/a?b",
                           "spiffe://local/dataplane/a%2Fb",
                           "spiffe://local/dataplane/*",
                           "spiffe://local/dataplanex/a",
                           "spiffe://other/dataplane/a",
                           "SPIFFE://local/dataplane/a"}) {
    EXPECT_FALSE(NamesPeer(entry, name)) << name;
  }
}

TEST(CheckPeerEntry, TakesWholeNamesAndOneForm) {
  for (const char* entry :
       {"spiffe://local/dataplane", "dataplane.example.com", "spiffe://local/ns/x/sa/*"}) {
    EXPECT_TRUE(CheckPeerEntry(entry).has_value()) << entry;
  }
  for (const char* entry : {"*",
                            "/*",
                            "*.example.com",
                            "https://local/dataplane/*",
                            "spiffe://local/*",
                            "spiffe:///dataplane/*",
                            "spiffe://local//*",
                            "spiffe://local/../*",
                            "spiffe://local/data*",
                            "spiffe://local/*/dataplane",
                            "spiffe://local/*/*",
                            "spiffe://*/dataplane"}) {
    EXPECT_FALSE(CheckPeerEntry(entry).has_value()) << entry;
  }
}

}  // namespace
}  // namespace connector::broker::api
