#include "common/http/fields.h"

#include <gtest/gtest.h>

#include <string_view>
#include <utility>

namespace connector::http {
namespace {

TEST(LookUpHeader, KnowsNamesInAnyCase) {
  for (const auto& [name, id] :
       {std::pair{"accept", HeaderId::kAccept},
        std::pair{"ACCEPT", HeaderId::kAccept},
        std::pair{"Accept-Encoding", HeaderId::kAcceptEncoding},
        std::pair{"Accept-Ranges", HeaderId::kAcceptRanges},
        std::pair{"Authorization", HeaderId::kAuthorization},
        std::pair{"Cache-Control", HeaderId::kCacheControl},
        std::pair{"Connection", HeaderId::kConnection},
        std::pair{"Content-Length", HeaderId::kContentLength},
        std::pair{"Content-Location", HeaderId::kContentLocation},
        std::pair{"Content-Range", HeaderId::kContentRange},
        std::pair{"Content-Type", HeaderId::kContentType},
        std::pair{"Date", HeaderId::kDate},
        std::pair{"Docker-Content-Digest", HeaderId::kDockerContentDigest},
        std::pair{"Docker-Distribution-API-Version", HeaderId::kDockerDistributionApiVersion},
        std::pair{"Docker-Upload-UUID", HeaderId::kDockerUploadUuid},
        std::pair{"Docker-RateLimit-Source", HeaderId::kDockerRateLimitSource},
        std::pair{"ETag", HeaderId::kEtag},
        std::pair{"Expect", HeaderId::kExpect},
        std::pair{"hOsT", HeaderId::kHost},
        std::pair{"Last-Modified", HeaderId::kLastModified},
        std::pair{"Link", HeaderId::kLink},
        std::pair{"Location", HeaderId::kLocation},
        std::pair{"OCI-Namespace", HeaderId::kOciNamespace},
        std::pair{"Range", HeaderId::kRange},
        std::pair{"Retry-After", HeaderId::kRetryAfter},
        std::pair{"Transfer-Encoding", HeaderId::kTransferEncoding},
        std::pair{"User-Agent", HeaderId::kUserAgent},
        std::pair{"Warning", HeaderId::kWarning},
        std::pair{"WWW-Authenticate", HeaderId::kWwwAuthenticate},
        std::pair{"X-Request-ID", HeaderId::kXRequestId}}) {
    EXPECT_EQ(LookUpHeader(name), id) << name;
  }
}

TEST(LookUpHeader, KnowsFamiliesByTheirPrefix) {
  EXPECT_EQ(LookUpHeader("Content-Encoding"), HeaderId::kContentOther);
  EXPECT_EQ(LookUpHeader("Docker-Anything"), HeaderId::kDockerOther);
  EXPECT_EQ(LookUpHeader("IF-None-Match"), HeaderId::kIfOther);
  EXPECT_EQ(LookUpHeader("OCI-Subject"), HeaderId::kOciOther);
  EXPECT_EQ(LookUpHeader("RateLimit-Remaining"), HeaderId::kRateLimitOther);
}

TEST(LookUpHeader, KnowsNothingElse) {
  for (const std::string_view name : {"",
                                      "x",
                                      "hos",
                                      "hostx",
                                      "Content-",
                                      "Docker-",
                                      "If-",
                                      "OCI-",
                                      "Set-Cookie",
                                      "Cookie",
                                      "X-Content-Type",
                                      "Contents-Length",
                                      "Accept-Encodin",
                                      "Dockers-X",
                                      "RateLimits-X"}) {
    EXPECT_EQ(LookUpHeader(name), HeaderId::kOther) << name;
  }
}

TEST(HeaderFields, GivesTheFirstOfAName) {
  HeaderFields fields;
  ASSERT_TRUE(fields.Add({"Accept", "a", HeaderId::kAccept}));
  ASSERT_TRUE(fields.Add({"Accept", "b", HeaderId::kAccept}));

  EXPECT_EQ(fields.Find(HeaderId::kAccept), "a");
  EXPECT_FALSE(fields.Has(HeaderId::kHost));
}

}  // namespace
}  // namespace connector::http
