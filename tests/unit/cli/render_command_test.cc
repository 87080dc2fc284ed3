#include "common/base/encoding.h"
#include "tests/unit/cli/console_fixture.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>

#include <set>

namespace connector::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class Render : public InDirectory {};

TEST_F(Render, PrintsOneFormat) {
  const Outcome outcome =
      Connectorctl({"render", "config.json", "--host=h:1", "--token-stdin"}, "tok\n");
  EXPECT_EQ(outcome.code, kExitOk);
  const boost::json::value wanted = {
      {"auths", {{"h:1", {{"auth", Base64Encode("connector:tok")}}}}}};
  EXPECT_EQ(boost::json::parse(outcome.out), wanted);
}

TEST_F(Render, WritesTheWholeTreeAndKeepsTheTokenPrivate) {
  const std::string ca = Write("ca.crt", "a CA\n");
  const std::string out = Path("out");
  const Outcome outcome = Connectorctl({"render",
                                        "all",
                                        "--host",
                                        "h:1",
                                        "--tls",
                                        "--ca-file",
                                        ca,
                                        "--token-stdin",
                                        "--connector",
                                        "default/harbor",
                                        "--path-form",
                                        "--upstream-host",
                                        "harbor.example.com",
                                        "--out",
                                        out},
                                       "tok");
  EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
  EXPECT_THAT(outcome.out, Not(HasSubstr(Base64Encode("connector:tok"))));
  std::set<std::string> private_files;
  std::set<std::string> public_files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(out)) {
    if (entry.is_regular_file()) {
      const std::string path = entry.path().string();
      (Mode(path) == 0600 ? private_files : public_files).insert(path.substr(out.size() + 1));
      const bool holds_token = Read(path).find(Base64Encode("connector:tok")) != std::string::npos;
      EXPECT_EQ(holds_token, Mode(path) == 0600) << path;
    }
  }
  EXPECT_EQ(private_files,
            (std::set<std::string>{
                "config.json", "auth.json", "containerd/certs.d/harbor.example.com/hosts.toml"}));
  EXPECT_EQ(public_files,
            (std::set<std::string>{"buildkitd.toml",
                                   "daemon.json",
                                   "registries.conf",
                                   "regctl.json",
                                   "certs.d/h:1/ca.crt",
                                   "containerd/certs.d/h_1_/hosts.toml"}));
  EXPECT_EQ(Read(out + "/certs.d/h:1/ca.crt"), "a CA\n");
}

TEST_F(Render, SaysHowImagesAreNamed) {
  const std::string token = Write("token", "tok");
  EXPECT_THAT(Connectorctl({"render",
                            "auth.json",
                            "--host=h",
                            "--path-form",
                            "--connector=a/b",
                            "--token-file",
                            token,
                            "--out",
                            Path("o")})
                  .out,
              HasSubstr("images are now named h/namespaces/a/connectors/b/REPOSITORY:TAG\n"));
  EXPECT_THAT(Connectorctl({"render",
                            "registries.conf",
                            "--host=h",
                            "--upstream-host=r.example",
                            "--out",
                            Path("o")})
                  .out,
              HasSubstr("images keep their names: r.example/REPOSITORY:TAG\n"));
}

TEST_F(Render, NeedsATokenOnlyWhereTheFileHoldsOne) {
  EXPECT_EQ(Connectorctl({"render", "daemon.json", "--host=h"}).code, kExitOk);
  for (const std::string_view format : {"config.json", "auth.json"}) {
    const Outcome outcome = Connectorctl({"render", format, "--host=h"});
    EXPECT_EQ(outcome.code, kExitUsage);
    EXPECT_THAT(outcome.err, HasSubstr("needs --token-file FILE or --token-stdin"));
  }
  EXPECT_EQ(Connectorctl({"render", "hosts.toml", "--host=h", "--token-stdin"}, "tok").out,
            Connectorctl({"render", "hosts.toml", "--host=h"}).out)
      << "without a mirror containerd finds its own credential";
}

TEST_F(Render, RefusesFlagsThatContradictEachOther) {
  const auto error = [](std::vector<std::string_view> flags) {
    flags.insert(flags.begin(), {"render", "daemon.json", "--host=h"});
    const Outcome outcome = Connectorctl(flags);
    EXPECT_EQ(outcome.code, kExitUsage);
    EXPECT_THAT(outcome.out, IsEmpty());
    return outcome.err;
  };
  EXPECT_THAT(error({"--path-form"}), HasSubstr("--path-form needs --connector"));
  EXPECT_THAT(error({"--connector=a/b"}), HasSubstr("--connector needs --path-form"));
  EXPECT_THAT(error({"--connector=b", "--path-form"}), HasSubstr("must be NAMESPACE/NAME"));
  EXPECT_THAT(error({"--token-file=x", "--token-stdin"}), HasSubstr("exclude each other"));
  EXPECT_THAT(error({"--ca-file=/x"}), HasSubstr("without TLS"));
  EXPECT_THAT(Connectorctl({"render", "all", "--host=h", "--token-stdin"}, "tok").err,
              HasSubstr("--out DIR is missing"));
}

TEST_F(Render, WritesNothingWhenOneFileCannotBeMade) {
  const Outcome outcome = Connectorctl({"render",
                                        "all",
                                        "--host=h",
                                        "--tls",
                                        "--ca-file",
                                        Path("none"),
                                        "--token-stdin",
                                        "--out",
                                        Path("out")},
                                       "tok");
  EXPECT_EQ(outcome.code, kExitUsage);
  EXPECT_FALSE(std::filesystem::exists(Path("out")));
}

}  // namespace
}  // namespace connector::cli
