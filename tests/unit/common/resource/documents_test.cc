#include "common/resource/documents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>

namespace connector::resource {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr std::string_view kConnectorText =
    "apiVersion: oci-connector.dev/v1alpha1\nkind: Connector\nmetadata: {name: a}\n"
    "spec: {address: 'https://r.example', auth: {name: anonymous}}\n";

TEST(ParseDocuments, ReadsEveryKind) {
  const FileDocuments documents = ParseDocuments(std::string(kConnectorText) + R"(---
apiVersion: oci-connector.dev/v1alpha1
kind: ConnectorClass
metadata: {name: slow}
spec:
  allowedAuthNames: [tokenAuth, anonymous]
  upstream: {redirects: {mode: pass}, limits: {connectTimeout: 9s}}
---
apiVersion: v1
kind: Secret
metadata: {name: s, namespace: team}
type: kubernetes.io/basic-auth
data: {username: dQ==, password: "b\
  2xk"}
stringData: {password: "new"}
immutable: true
)",
                                                 "f.yaml");
  ASSERT_EQ(config::Format(documents.problems), "");
  EXPECT_THAT(documents.connectors, SizeIs(1));
  ASSERT_THAT(documents.classes, SizeIs(1));
  EXPECT_THAT(documents.classes[0].connector_class.allowed_auth,
              ElementsAre(AuthKind::kTokenAuth, AuthKind::kAnonymous));
  EXPECT_EQ(documents.classes[0].connector_class.upstream.mode, routing::RedirectMode::kPass);
  EXPECT_EQ(documents.classes[0].connector_class.upstream.connect_timeout, std::chrono::seconds(9));
  ASSERT_THAT(documents.secrets, SizeIs(1));
  const SecretResource& secret = *documents.secrets[0].secret;
  EXPECT_EQ(secret.name.ToString(), "team/s");
  EXPECT_EQ(secret.type, "kubernetes.io/basic-auth");
  EXPECT_EQ(secret.data.at("username").Reveal(), "u");
  EXPECT_EQ(secret.data.at("password").Reveal(), "new") << "stringData wins";
}

TEST(ParseDocuments, ReadsFoldedBase64AndTheDefaultsOfASecret) {
  const FileDocuments documents = ParseDocuments(
      "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata:\n  a: |\n    YWJj\n    ZGVm\n",
      "f");
  ASSERT_EQ(config::Format(documents.problems), "");
  ASSERT_THAT(documents.secrets, SizeIs(1));
  EXPECT_EQ(documents.secrets[0].secret->name.ToString(), "default/s");
  EXPECT_EQ(documents.secrets[0].secret->type, "Opaque");
  EXPECT_EQ(documents.secrets[0].secret->data.at("a").Reveal(), "abcdef");
}

TEST(ParseDocuments, DropsWhatAnApiServerSets) {
  const FileDocuments documents = ParseDocuments(R"(
apiVersion: oci-connector.dev/v1alpha1
kind: Connector
metadata:
  name: a
  uid: 5c1d
  resourceVersion: "12"
  generation: 3
  creationTimestamp: null
  managedFields: [{manager: kubectl}]
  annotations: {a/b: c}
  labels: {d: e}
spec: {address: 'https://r.example', auth: {name: anonymous}}
status: {conditions: [{type: Ready}]}
)",
                                                 "f");
  EXPECT_EQ(config::Format(documents.problems), "");
  EXPECT_THAT(documents.connectors, SizeIs(1));
}

TEST(ParseDocuments, NamesTheBrokenResourceAndKeepsTheOthers) {
  const FileDocuments documents = ParseDocuments(
      std::string(kConnectorText) +
          "---\napiVersion: oci-connector.dev/v1alpha1\nkind: Connector\n"
          "metadata: {name: b, namespace: team}\nspec: {address: x, auth: {name: anonymous}}\n"
          "---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: '%'}\n",
      "f");

  EXPECT_THAT(documents.connectors, SizeIs(1));
  EXPECT_THAT(documents.broken,
              ElementsAre(ResourceId{Kind::kConnector, "team", "b"},
                          ResourceId{Kind::kSecret, "default", "s"}));
  EXPECT_FALSE(documents.unreadable);
}

TEST(ParseDocuments, SaysThatADocumentCannotBeIdentified) {
  for (const char* text : {"a: [\n",
                           "text\n",
                           "kind: Connector\n",
                           "apiVersion: oci-connector.dev/v1alpha1\nkind: Conector\n",
                           "apiVersion: v1\nkind: Secret\nmetadata: {}\n"}) {
    const FileDocuments documents =
        ParseDocuments(std::string(kConnectorText) + "---\n" + text, "f");
    EXPECT_TRUE(documents.unreadable) << text;
    EXPECT_THAT(documents.connectors, SizeIs(1)) << text;
  }
  EXPECT_FALSE(ParseDocuments(kConnectorText, "f").unreadable);
}

TEST(ParseDocuments, LeavesForeignKindsAsideAndKnowsTheRestOfTheFile) {
  const FileDocuments documents =
      ParseDocuments("apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\n" +
                         std::string(kConnectorText) + "---\napiVersion: v1\nkind: Service\n",
                     "f");
  EXPECT_THAT(documents.connectors, SizeIs(1));
  EXPECT_THAT(documents.problems, SizeIs(1));
  EXPECT_FALSE(documents.unreadable) << "what was deleted from the file is known to be gone";
  EXPECT_THAT(documents.foreign_kinds, ElementsAre("Namespace", "Service"));
}

TEST(ParseDocuments, ReadsTheItemsOfAList) {
  const FileDocuments documents = ParseDocuments(R"(
apiVersion: v1
kind: List
metadata: {resourceVersion: ""}
items:
- apiVersion: v1
  kind: Secret
  metadata: {name: s, generateName: x, deletionTimestamp: null}
- {apiVersion: oci-connector.dev/v1alpha1, kind: Connector, metadata: {name: a},
   spec: {address: 'https://r.example', auth: {name: anonymous}}}
)",
                                                 "f");
  EXPECT_EQ(config::Format(documents.problems), "");
  EXPECT_THAT(documents.secrets, SizeIs(1));
  EXPECT_THAT(documents.connectors, SizeIs(1));
  EXPECT_FALSE(documents.unreadable);
  EXPECT_THAT(ParseDocuments("apiVersion: v1\nkind: List\nitems: []\n", "f").problems, IsEmpty());
}

TEST(ParseDocuments, HasNothingToSayAboutAnEmptyFile) {
  const FileDocuments documents = ParseDocuments("# nothing\n---\n", "f");
  EXPECT_THAT(documents.problems, IsEmpty());
  EXPECT_FALSE(documents.unreadable);
}

struct DocumentsRefused {
  std::string_view name;
  std::string text;
  std::string problem;

  friend void PrintTo(const DocumentsRefused& row, std::ostream* os) { *os << row.name; }
};

class ParseDocumentsRefuses : public ::testing::TestWithParam<DocumentsRefused> {};

TEST_P(ParseDocumentsRefuses, WithFileLinePathReasonAndWhatToWrite) {
  EXPECT_EQ(config::Format(ParseDocuments(GetParam().text, "f.yaml").problems), GetParam().problem);
}

INSTANTIATE_TEST_SUITE_P(
    Document,
    ParseDocumentsRefuses,
    ::testing::Values(
        DocumentsRefused{
            "AnUnknownKindOfOurGroup",
            "apiVersion: oci-connector.dev/v1alpha1\nkind: Conector\n",
            "f.yaml:2: kind: is not known here; write Connector, ConnectorClass or Secret"},
        DocumentsRefused{
            "NoKind",
            "apiVersion: v1\n",
            "f.yaml:1: kind: is not known here; write Connector, ConnectorClass or Secret"},
        DocumentsRefused{
            "AListWithoutItems",
            "apiVersion: v1\nkind: List\n",
            "f.yaml:2: kind: is no list that is read here; write apiVersion: v1, kind: "
            "List and items"},
        DocumentsRefused{"AProblemInAList",
                         "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n",
                         "f.yaml:4: metadata: is missing; add it"},
        DocumentsRefused{"AForeignKind",
                         "apiVersion: v1\nkind: ConfigMap\n",
                         "f.yaml:2: kind: ConfigMap is not read here; these files hold Connector, "
                         "ConnectorClass and Secret, so move the rest elsewhere"},
        DocumentsRefused{
            "ForeignKindsOnce",
            "apiVersion: v1\nkind: Namespace\n---\napiVersion: rbac.authorization.k8s.io/v1\n"
            "kind: Role\n---\napiVersion: v1\nkind: Namespace\n---\n"
            "apiVersion: a.example/v1\nkind: AllowList\n",
            "f.yaml:2: kind: Namespace, Role and AllowList are not read here; these files hold "
            "Connector, ConnectorClass and Secret, so move the rest elsewhere"},
        DocumentsRefused{"TextInUtf16",
                         std::string("\xFF\xFE#\0\n\0", 6),
                         "f.yaml:1: is UTF-16; save it as UTF-8"},
        DocumentsRefused{"AnotherVersion",
                         "apiVersion: oci-connector.dev/v1\nkind: Connector\n",
                         "f.yaml:1: apiVersion: is not the version of this kind; write "
                         "oci-connector.dev/v1alpha1"},
        DocumentsRefused{"TheGroupsVersionOfASecret",
                         "apiVersion: oci-connector.dev/v1alpha1\nkind: Secret\n",
                         "f.yaml:1: apiVersion: is not the version of this kind; write v1"},
        DocumentsRefused{"TextInsteadOfAResource",
                         "hello\n",
                         "f.yaml:1: is not a resource; write apiVersion, kind, metadata and spec"},
        DocumentsRefused{
            "AClassWithANamespace",
            "apiVersion: oci-connector.dev/v1alpha1\nkind: ConnectorClass\n"
            "metadata: {name: a, namespace: b}\nspec: {}\n",
            "f.yaml:3: metadata.namespace: a ConnectorClass has no namespace; remove the key"},
        DocumentsRefused{
            "AClassNameThatIsNone",
            "apiVersion: oci-connector.dev/v1alpha1\nkind: ConnectorClass\n"
            "metadata: {name: A}\nspec: {}\n",
            "f.yaml:3: metadata.name: is not a name; write lower-case letters, digits and "
            "'-', such as harbor"},
        DocumentsRefused{"AClassThatWeakensEveryConnector",
                         "apiVersion: oci-connector.dev/v1alpha1\nkind: ConnectorClass\n"
                         "metadata: {name: a}\nspec: {upstream: {allowInsecureUpstream: true}}\n",
                         "f.yaml:4: spec.upstream.allowInsecureUpstream: unknown key; known here: "
                         "redirects, limits"},
        DocumentsRefused{
            "AClassWithAZeroLimit",
            "apiVersion: oci-connector.dev/v1alpha1\nkind: ConnectorClass\n"
            "metadata: {name: a}\nspec: {upstream: {limits: {maxConcurrentRequests: 0}}}\n",
            "f.yaml:4: spec.upstream.limits.maxConcurrentRequests: is zero, so that nothing "
            "could pass; write at least 1"},
        DocumentsRefused{
            "ASecretThatIsNotBase64",
            "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata:\n  password: hunter2\n",
            "f.yaml:5: data.password: is not base64; encode it, or write it under "
            "stringData"},
        DocumentsRefused{
            "ASecretNameThatIsNone",
            "apiVersion: v1\nkind: Secret\nmetadata: {name: a_b}\n",
            "f.yaml:3: metadata.name: is not a Secret's name; write lower-case letters, "
            "digits and '-', such as harbor"},
        DocumentsRefused{"AnUnknownFieldOfASecret",
                         "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringdata: {a: b}\n",
                         "f.yaml:4: stringdata: unknown key; did you mean stringData?"},
        DocumentsRefused{"MalformedYamlAtItsLine",
                         "apiVersion: v1\nkind: Secret\nmetadata: {name: a\n",
                         "f.yaml:4: not valid YAML: end of map flow not found"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(ParseDocuments, NeverRepeatsASecret) {
  const std::string report =
      config::Format(ParseDocuments("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n"
                                    "data: {a: 'hunter2!', b: 77777777}\nstringData: [hunter2]\n",
                                    "f.yaml")
                         .problems);
  EXPECT_THAT(report, HasSubstr("data.a"));
  EXPECT_THAT(report, Not(HasSubstr("hunter2")));
  EXPECT_THAT(report, Not(HasSubstr("77777777")));
}

}  // namespace
}  // namespace connector::resource
