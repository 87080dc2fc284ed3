#include "dataplane/oci/upstream_answer.h"

#include <gtest/gtest.h>

namespace connector::dataplane::oci {
namespace {

AnswerAction OfRegistry(int status) {
  return DecideAnswer({.status = status});
}
AnswerAction OfBlobStore(int status) {
  return DecideAnswer({.status = status, .from_registry = false});
}
AnswerAction ToMount(int status) {
  return DecideAnswer({.status = status, .mount_can_be_dropped = true});
}

TEST(DecideAnswer, NeverPassesOnAChallengeOrARedirect) {
  EXPECT_EQ(OfRegistry(401), AnswerAction::kRenewGrant);
  EXPECT_EQ(OfRegistry(403), AnswerAction::kRefuseForRegistry);
  EXPECT_EQ(OfRegistry(407), AnswerAction::kRefuseNonsense);
  EXPECT_EQ(OfRegistry(103), AnswerAction::kRefuseNonsense);
  for (const int status : {300, 301, 302, 303, 305, 307, 308}) {
    EXPECT_EQ(OfRegistry(status), AnswerAction::kRedirect) << status;
    EXPECT_EQ(OfBlobStore(status), AnswerAction::kRedirect) << status;
  }
}

TEST(DecideAnswer, PassesOnWhatElseTheRegistrySays) {
  for (const int status : {200, 201, 202, 206, 304, 400, 404, 416, 429, 500, 503}) {
    EXPECT_EQ(OfRegistry(status), AnswerAction::kPassOn) << status;
  }
}

TEST(DecideAnswer, PassesOnOfABlobStoreOnlyWhatTellsOfTheBlob) {
  for (const int status : {200, 206, 304, 404, 412, 416}) {
    EXPECT_EQ(OfBlobStore(status), AnswerAction::kPassOn) << status;
  }
  for (const int status : {400, 401, 403, 500, 504}) {
    EXPECT_EQ(OfBlobStore(status), AnswerAction::kRefuseBlobStore) << status;
  }
  for (const int status : {429, 503}) {
    EXPECT_EQ(OfBlobStore(status), AnswerAction::kStoreAsksToWait) << status;
  }
  EXPECT_EQ(OfBlobStore(407), AnswerAction::kRefuseNonsense);
}

TEST(DecideAnswer, AsksAStoreForOneByteWhereItWantsNoHeadOrTellsNoLength) {
  const auto of_head = [](int status, bool tells_length = true, bool from_registry = false) {
    return DecideAnswer({.status = status,
                         .from_registry = from_registry,
                         .asked_by_head = true,
                         .tells_length = tells_length});
  };
  for (const int status : {400, 403, 405, 501, 206, 204}) {
    EXPECT_EQ(of_head(status), AnswerAction::kAskForOneByte) << status;
  }
  EXPECT_EQ(of_head(200, false), AnswerAction::kAskForOneByte);
  EXPECT_EQ(of_head(200), AnswerAction::kPassOn);
  for (const int status : {304, 404, 412}) {
    EXPECT_EQ(of_head(status, false), AnswerAction::kPassOn) << status;
  }
  for (const int status : {401, 500}) {
    EXPECT_EQ(of_head(status), AnswerAction::kRefuseBlobStore) << status;
  }
  EXPECT_EQ(of_head(307, false), AnswerAction::kRedirect);
  EXPECT_EQ(of_head(200, false, true), AnswerAction::kPassOn) << "the registry's own answer";
}

TEST(DecideAnswer, AsksForASmallerPageWhereTheRegistryRefusesTheSize) {
  const auto of_page = [](int status, bool can_be_smaller = true, bool from_registry = true) {
    return DecideAnswer(
        {.status = status, .from_registry = from_registry, .page_can_be_smaller = can_be_smaller});
  };
  for (const int status : {400, 405, 413}) {
    EXPECT_EQ(of_page(status), AnswerAction::kAskForSmallerPage) << status;
    EXPECT_EQ(of_page(status, false), AnswerAction::kPassOn) << status;
    EXPECT_EQ(of_page(status, true, false), AnswerAction::kRefuseBlobStore) << status;
  }
  for (const int status : {200, 404, 429, 500, 503}) {
    EXPECT_EQ(of_page(status), AnswerAction::kPassOn) << status;
  }
}

TEST(SmallerPage, Is1000AndThen100) {
  EXPECT_EQ(SmallerPage(10'000), 1000U);
  EXPECT_EQ(SmallerPage(1001), 1000U);
  EXPECT_EQ(SmallerPage(1000), 100U);
  EXPECT_EQ(SmallerPage(101), 100U);
  EXPECT_EQ(SmallerPage(100), std::nullopt);
  EXPECT_EQ(SmallerPage(0), std::nullopt);
}

TEST(DecideAnswer, AsksARegistryForOneByteWhereItWantsNoHead) {
  const auto of_head = [](int status, bool is_manifest) {
    return DecideAnswer({.status = status, .asked_by_head = true, .is_manifest = is_manifest});
  };
  for (const int status : {403, 501}) {
    EXPECT_EQ(of_head(status, false), AnswerAction::kAskForOneByte) << status;
    EXPECT_EQ(of_head(status, true), AnswerAction::kAskForOneByte) << status;
  }
  EXPECT_EQ(of_head(405, false), AnswerAction::kAskForOneByte);
  EXPECT_EQ(of_head(405, true), AnswerAction::kPassOn) << "clients go on with a GET";
  for (const int status : {400, 404, 429, 500}) {
    EXPECT_EQ(of_head(status, false), AnswerAction::kPassOn) << status;
  }
}

TEST(FailureSentence, EndsWithOneFullStop) {
  EXPECT_EQ(FailureSentence("r.example.com: closed"),
            "The registry failed: r.example.com: closed.");
  EXPECT_EQ(FailureSentence("two lengths stand there."),
            "The registry failed: two lengths stand there.");
}

TEST(IsContentOf, ComparesTheDigestOfTheWhole) {
  const std::string digest =
      "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
  EXPECT_TRUE(IsContentOf(digest, "{}"));
  EXPECT_FALSE(IsContentOf(digest, "{} "));
  EXPECT_FALSE(IsContentOf("sha512:" + digest.substr(7), "{}"));
}

TEST(DecideAnswer, AsksWithoutTheMountWhenItsSourceIsRefused) {
  for (const int status : {400, 403, 404, 405, 416}) {
    EXPECT_EQ(ToMount(status), AnswerAction::kDropMount) << status;
  }
  EXPECT_EQ(ToMount(401), AnswerAction::kRenewGrant) << "the token may be what is refused";
  EXPECT_EQ(ToMount(429), AnswerAction::kPassOn) << "says nothing of the source";
  EXPECT_EQ(ToMount(500), AnswerAction::kPassOn);
  EXPECT_EQ(ToMount(201), AnswerAction::kPassOn);
}

TEST(DecideUnauthorized, MintsOnceAndTakesTheSecond401AsFinal) {
  EXPECT_EQ(DecideUnauthorized({}), UnauthorizedAction::kMintAnew);
  EXPECT_EQ(DecideUnauthorized({.retried = true}), UnauthorizedAction::kRefuse);
}

TEST(DecideUnauthorized, MintsForTheClientsRepetitionWhereTheBodyIsGone) {
  EXPECT_EQ(DecideUnauthorized({.body_is_gone = true}), UnauthorizedAction::kMintForRepetition);
  EXPECT_EQ(DecideUnauthorized({.retried = true, .body_is_gone = true}),
            UnauthorizedAction::kRefuse);
  EXPECT_EQ(DecideUnauthorized({.body_is_gone = true, .sent_credential = false}),
            UnauthorizedAction::kRefuse);
}

TEST(DecideUnauthorized, ObtainsNoCredentialForWhoGetsNone) {
  EXPECT_EQ(DecideUnauthorized({.sent_credential = false}), UnauthorizedAction::kRefuse);
}

TEST(DecideUnauthorized, CancelsAnUploadWithTheOtherRightOnce) {
  EXPECT_EQ(DecideUnauthorized({.cancels_upload = true}), UnauthorizedAction::kObtainRightToCancel);
  EXPECT_EQ(DecideUnauthorized({.retried = true, .cancels_upload = true}),
            UnauthorizedAction::kRefuse);
}

TEST(DecideUnauthorized, DropsAMountOnlyAfterANewTokenDidNotHelp) {
  EXPECT_EQ(DecideUnauthorized({.mount_can_be_dropped = true}), UnauthorizedAction::kMintAnew);
  EXPECT_EQ(DecideUnauthorized({.retried = true, .mount_can_be_dropped = true}),
            UnauthorizedAction::kDropMount);
}

TEST(MayRepeat, OnlyWhatTheRegistryHardlyNoticed) {
  EXPECT_TRUE(MayRepeat({.reused = true}));
  EXPECT_FALSE(MayRepeat({.reused = false})) << "a new connection does not die of idleness";
  EXPECT_FALSE(MayRepeat({.reused = true, .answer_begun = true}));
  EXPECT_FALSE(MayRepeat({.reused = true, .body_is_gone = true}));
  EXPECT_FALSE(MayRepeat({.reused = true, .appends = true})) << "it may be there already";
}

TEST(KindOfFailure, TellsSilenceFromTheRest) {
  EXPECT_EQ(KindOfFailure(ErrorCode::kNotFound), ErrorKind::kUpstreamUnavailable);
  EXPECT_EQ(KindOfFailure(ErrorCode::kDeadlineExceeded), ErrorKind::kUpstreamTimeout);
  EXPECT_EQ(KindOfFailure(ErrorCode::kUnavailable), ErrorKind::kUpstreamUnavailable);
}

}  // namespace
}  // namespace connector::dataplane::oci
