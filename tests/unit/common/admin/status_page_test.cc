#include "common/admin/status_page.h"

#include "common/base/encoding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <array>
#include <string>
#include <string_view>

namespace connector::admin {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::size_t Count(std::string_view text, std::string_view word) {
  std::size_t count = 0;
  for (std::size_t at = text.find(word); at != std::string_view::npos;
       at = text.find(word, at + 1)) {
    ++count;
  }
  return count;
}

// What a browser computes over the text of an inline element.
std::string DigestOfElement(std::string_view html, const std::string& tag) {
  const std::size_t begin = html.find("<" + tag + ">") + tag.size() + 2;
  const std::string_view text = html.substr(begin, html.find("</" + tag + ">") - begin);
  std::array<unsigned char, 32> digest{};
  EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  return Base64Encode({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

TEST(StatusPage, AllowsItsOwnStyleAndScriptAndNothingElse) {
  const StatusPage page = MakeStatusPage("connector-broker");

  EXPECT_EQ(page.content_security_policy,
            "default-src 'none'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'; style-src 'sha256-" +
                DigestOfElement(page.html, "style") + "'; script-src 'sha256-" +
                DigestOfElement(page.html, "script") + "'");
}

TEST(StatusPage, HasOneStyleAndOneScriptAndLoadsNothing) {
  EXPECT_EQ(Count(kStatusPageTemplate, "<style"), 1U);
  EXPECT_EQ(Count(kStatusPageTemplate, "<script"), 1U);
  EXPECT_THAT(kStatusPageTemplate,
              AllOf(Not(HasSubstr("src=")),
                    Not(HasSubstr("style=")),
                    Not(HasSubstr("onclick=")),
                    Not(HasSubstr("url(")),
                    Not(HasSubstr("https://")),
                    Not(HasSubstr("@import"))));
  EXPECT_EQ(Count(kStatusPageTemplate, "http://"), 1U) << "only the name of the SVG namespace";
}

TEST(StatusPage, NeverTurnsTextIntoMarkup) {
  EXPECT_THAT(kStatusPageTemplate,
              AllOf(Not(HasSubstr("innerHTML")),
                    Not(HasSubstr("outerHTML")),
                    Not(HasSubstr("insertAdjacentHTML")),
                    Not(HasSubstr("document.write")),
                    Not(HasSubstr("eval("))));
}

TEST(StatusPage, EscapesTheTitle) {
  EXPECT_THAT(MakeStatusPage("<b>\"&'").html,
              AllOf(StartsWith("<!doctype html>"),
                    HasSubstr("<title>&lt;b&gt;&quot;&amp;&#39;</title>"),
                    HasSubstr("<h1>&lt;b&gt;&quot;&amp;&#39;</h1>"),
                    Not(HasSubstr("<b>"))));
}

TEST(StatusPage, TakesATitleThatLooksLikeAPlaceForOne) {
  EXPECT_THAT(MakeStatusPage("{{title}}").html, HasSubstr("<title>{{title}}</title>"));
}

}  // namespace
}  // namespace connector::admin
