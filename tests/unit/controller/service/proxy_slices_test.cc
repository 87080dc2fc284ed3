#include "controller/service/proxy_slices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::controller::service {
namespace {

namespace json = boost::json;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

const Owner kSlicesOwner{{"default", "harbor"}, "uid-1"};

kube::ObjectPtr Parse(const json::object& object) {
  return *kube::Object::Parse(json::serialize(object));
}

json::array Endpoint(const std::string& address, const char* conditions = R"({"ready":true})") {
  return {json::object{{"addresses", json::array{address}},
                       {"conditions", json::parse(conditions)},
                       {"targetRef", {{"kind", "Pod"}, {"name", "p"}}},
                       {"nodeName", "node-1"}}};
}

kube::ObjectPtr Source(const std::string& name,
                       const std::string& type,
                       const json::array& endpoints,
                       const char* ports = R"([{"name":"http","port":8080,"protocol":"TCP"},
                                               {"name":"admin","port":8480,"protocol":"TCP"}])") {
  return Parse({{"metadata", {{"name", name}, {"namespace", "oci"}, {"resourceVersion", "1"}}},
                {"addressType", type},
                {"ports", json::parse(ports)},
                {"endpoints", endpoints}});
}

DataplaneEndpoints Of(const std::vector<kube::ObjectPtr>& slices) {
  return CollectEndpoints(slices, ProxyServiceSettings{});
}

// As the API gives back what was created.
kube::ObjectPtr Stored(json::object body, const std::string& version = "1") {
  body["metadata"].get_object()["resourceVersion"] = version;
  body["metadata"].get_object()["uid"] = "slice-uid";
  return Parse(body);
}

TEST(BuildSlices, CopyTheDataPlanesEndpoints) {
  const auto wanted = BuildSlices(Of({Source("a", "IPv4", Endpoint("10.0.0.1"))}), kSlicesOwner);

  const json::object& slice = wanted.at("c-harbor-ipv4-0");
  EXPECT_EQ(slice.at("endpoints"),
            json::parse(R"([{"addresses":["10.0.0.1"],"conditions":{"ready":true},
                             "nodeName":"node-1"}])"));
  EXPECT_EQ(slice.at("ports"), json::parse(R"([{"name":"http","port":8080,"protocol":"TCP"}])"));
  EXPECT_EQ(slice.at("metadata").at("labels").at("kubernetes.io/service-name"), "c-harbor");
  EXPECT_TRUE(IsOwnedBy(slice, "uid-1"));
}

TEST(BuildSlices, KeepReadyServingAndTerminating) {
  const char* conditions = R"({"ready":false,"serving":true,"terminating":true})";
  const DataplaneEndpoints endpoints = Of({Source("a", "IPv4", Endpoint("10.0.0.1", conditions))});

  EXPECT_EQ(endpoints.groups[0].endpoints.at(0).at("conditions"), json::parse(conditions));
  EXPECT_FALSE(endpoints.any_ready);
}

TEST(BuildSlices, AreApartForEachAddressType) {
  const auto wanted = BuildSlices(Of({Source("a", "IPv4", Endpoint("10.0.0.1")),
                                      Source("b", "IPv6", Endpoint("fd00::1")),
                                      Source("c", "FQDN", Endpoint("a.example"))}),
                                  kSlicesOwner);

  EXPECT_THAT(wanted,
              UnorderedElementsAre(Pair("c-harbor-ipv4-0", ::testing::_),
                                   Pair("c-harbor-ipv6-0", ::testing::_)));
}

TEST(BuildSlices, HoldAtMostAHundredEndpointsEach) {
  json::array many;
  for (int i = 0; i < 201; ++i) {
    many.push_back(Endpoint("10.0.1." + std::to_string(i)).at(0));
  }
  const auto wanted = BuildSlices(Of({Source("a", "IPv4", many)}), kSlicesOwner);

  EXPECT_THAT(wanted, SizeIs(3));
  EXPECT_EQ(wanted.at("c-harbor-ipv4-0").at("endpoints").as_array().size(), 100U);
  EXPECT_EQ(wanted.at("c-harbor-ipv4-2").at("endpoints").as_array().size(), 1U);
}

TEST(BuildSlices, HoldAnAddressOnceAsReadyAsItIs) {
  const DataplaneEndpoints endpoints =
      Of({Source("a", "IPv4", Endpoint("10.0.0.1", R"({"ready":true})")),
          Source("b", "IPv4", Endpoint("10.0.0.1", R"({"ready":false})"))});

  EXPECT_EQ(json::value(endpoints.groups[0].endpoints),
            json::parse(R"([{"addresses":["10.0.0.1"],"conditions":{"ready":true},
                             "nodeName":"node-1"}])"));
}

TEST(BuildSlices, AreOfPortsThatAreNamedLikeOurs) {
  EXPECT_THAT(
      Of({Source("a", "IPv4", Endpoint("10.0.0.1"), R"([{"name":"web","port":1}])")}).groups,
      IsEmpty());
}

TEST(BuildSlices, AreApartWhereEndpointsListenOnOtherPorts) {
  const DataplaneEndpoints endpoints =
      Of({Source("a", "IPv4", Endpoint("10.0.0.1"), R"([{"name":"http","port":1}])"),
          Source("b", "IPv4", Endpoint("10.0.0.2"), R"([{"name":"http","port":2}])")});

  EXPECT_THAT(BuildSlices(endpoints, kSlicesOwner), SizeIs(2));
}

class CompareTest : public ::testing::Test {
 protected:
  std::map<std::string, json::object> wanted_ =
      BuildSlices(Of({Source("a", "IPv4", Endpoint("10.0.0.1"))}), kSlicesOwner);
  json::object stored_ = wanted_.at("c-harbor-ipv4-0");
};

TEST_F(CompareTest, CreatesWhatIsNotThere) {
  EXPECT_THAT(DiffSlices(wanted_, {}, kSlicesOwner).create, SizeIs(1));
}

TEST_F(CompareTest, LeavesWhatIsRight) {
  stored_["endpoints"].at(0).as_object()["deprecatedTopology"] = json::object();
  const SliceChanges changes = DiffSlices(wanted_, {Stored(stored_)}, kSlicesOwner);

  EXPECT_THAT(changes.create, IsEmpty());
  EXPECT_THAT(changes.patch, IsEmpty());
  EXPECT_THAT(changes.remove, IsEmpty());
}

TEST_F(CompareTest, PatchesWhatDiffersUnlessSomebodyWroteMeanwhile) {
  stored_["endpoints"] = Endpoint("10.0.0.2");
  const SliceChanges changes = DiffSlices(wanted_, {Stored(stored_, "7")}, kSlicesOwner);

  ASSERT_THAT(changes.patch, SizeIs(1));
  EXPECT_EQ(changes.patch[0].second.at("metadata").at("resourceVersion"), "7");
}

TEST_F(CompareTest, PatchesAnEndpointThatSomebodyAdded) {
  stored_["endpoints"].as_array().push_back(Endpoint("10.6.6.6").at(0));

  EXPECT_THAT(DiffSlices(wanted_, {Stored(stored_)}, kSlicesOwner).patch, SizeIs(1));
}

TEST_F(CompareTest, RemovesWhatIsNoMoreWanted) {
  EXPECT_THAT(DiffSlices({}, {Stored(stored_)}, kSlicesOwner).remove, SizeIs(1));
}

TEST_F(CompareTest, LeavesTheSlicesOfOthersAlone) {
  stored_["metadata"].as_object().erase("ownerReferences");
  const SliceChanges changes = DiffSlices({}, {Stored(stored_)}, kSlicesOwner);

  EXPECT_THAT(changes.remove, IsEmpty());
  EXPECT_THAT(DiffSlices(wanted_, {Stored(stored_)}, kSlicesOwner).patch, IsEmpty());
}

}  // namespace
}  // namespace connector::controller::service
