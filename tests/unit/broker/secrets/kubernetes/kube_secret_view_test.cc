#include "broker/secrets/kubernetes/kube_secret_view.h"

#include <gtest/gtest.h>

namespace connector::broker::secrets {
namespace {

KubeObservation Observation() {
  KubeObservation out;
  out.known = true;
  out.content.version = "0123456789abcdef";
  out.content.lacks = {{{"other.example.com"}, "no entry for other.example.com"}};
  out.content.ca = resource::CaBundle("PEM");
  return out;
}

TEST(CredentialStateOfASecret, IsOfTheRegistryThatItIsFor) {
  EXPECT_EQ(CredentialStateOf(Observation(), {"harbor.example.com"}).problem, "");
  EXPECT_EQ(CredentialStateOf(Observation(), {"harbor.example.com"}).version, "0123456789abcdef");
  EXPECT_EQ(CredentialStateOf(Observation(), {"other.example.com"}).problem,
            "no entry for other.example.com");
}

TEST(CredentialStateOfASecret, IsOfTheWholeSecretWhereThatCannotBeUsed) {
  KubeObservation observed = Observation();
  observed.content = {};
  observed.content.problem = "there is none";

  EXPECT_EQ(CredentialStateOf(observed, {"other.example.com"}).problem, "there is none");
  EXPECT_EQ(CaStateOf(observed).problem, "there is none");
}

TEST(CredentialStateOfASecret, IsNotKnownBeforeTheApiHasTold) {
  EXPECT_FALSE(CredentialStateOf({}, {"harbor.example.com"}).known);
  EXPECT_FALSE(CaStateOf({}).known);
  EXPECT_TRUE(CaStateOf(Observation()).known);
}

TEST(CaStateOfASecret, HasThePemOrSaysWhyNot) {
  EXPECT_EQ(CaStateOf(Observation()).bundle.pem(), "PEM");
  KubeObservation observed = Observation();
  observed.content.ca = {};
  observed.content.ca_problem = "lacks the key ca.crt";
  EXPECT_EQ(CaStateOf(observed).problem, "lacks the key ca.crt");
}

}  // namespace
}  // namespace connector::broker::secrets
