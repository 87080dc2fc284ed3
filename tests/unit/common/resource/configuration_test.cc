#include "common/resource/configuration.h"

#include "common/resource/documents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

namespace connector::resource {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

FileDocuments Parse(const std::string& configurations) {
  return ParseDocuments(
      "apiVersion: oci-connector.dev/v1alpha1\nkind: ConnectorClass\n"
      "metadata: {name: own}\nspec:\n  configurations:\n" +
          configurations,
      "class.yaml");
}

std::vector<std::string> ProblemsOf(const std::string& configurations) {
  std::vector<std::string> out;
  const FileDocuments parsed = Parse(configurations);
  for (const config::Problem& problem : parsed.problems) {
    out.push_back(problem.path + ": " + problem.message);
  }
  return out;
}

const char* const kWhole = R"(  - name: own
    params:
    - {name: proxy, required: true, description: where to go}
    - {name: level, default: info}
    formats: {own.conf: toml}
    files:
      own.conf: |
        proxy = "{{params.proxy}}"
      "{{host_directory}}/own.json": |
        {"{{host}}": "{{#mirrors}}{{upstream_host}} {{/mirrors}}{{params.level}}"}
)";

TEST(Configuration, IsReadWithItsFilesAndParameters) {
  const FileDocuments parsed = Parse(kWhole);
  ASSERT_THAT(parsed.problems, IsEmpty());
  const std::vector<Configuration>& all = parsed.classes.at(0).connector_class.configurations;
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].name, "own");
  EXPECT_THAT(all[0].params,
              ElementsAre(ConfigurationParam{"proxy", "", true, "where to go"},
                          ConfigurationParam{"level", "info", false, ""}));
  ASSERT_EQ(all[0].files.size(), 2U);
  EXPECT_EQ(all[0].files[0].path.text(), "own.conf");
  EXPECT_FALSE(all[0].files[0].per_connector);
  EXPECT_EQ(all[0].files[1].path.text(), "{{host_directory}}/own.json");
  EXPECT_TRUE(all[0].files[1].per_connector);
}

// A configuration of one file, as a line of YAML.
std::string File(const std::string& path, const std::string& text = "x") {
  return "  - name: own\n    files: {'" + path + "': '" + text + "'}\n";
}

std::string Params(const std::string& params) {
  return "  - name: own\n    params: " + params + "\n    files: {a: x}\n";
}

std::string Repeat(int count, const std::string& before, const std::string& after) {
  std::string out;
  for (int i = 0; i < count; ++i) {
    out += before + std::to_string(i) + after;
  }
  return out;
}

struct RefusedConfiguration {
  std::string_view name;
  std::string text;
  std::string problem;

  friend void PrintTo(const RefusedConfiguration& row, std::ostream* os) { *os << row.name; }
};

class ConfigurationRefuses : public ::testing::TestWithParam<RefusedConfiguration> {};

TEST_P(ConfigurationRefuses, WithThePathAndWhatToWrite) {
  EXPECT_THAT(ProblemsOf(GetParam().text), ElementsAre("spec.configurations" + GetParam().problem));
}

const std::string kPathEnd = "; write a relative path such as containerd/hosts.toml";

INSTANTIATE_TEST_SUITE_P(
    Wrong,
    ConfigurationRefuses,
    ::testing::Values(
        RefusedConfiguration{"NoName", "  - files: {a: x}\n", "[0].name: is missing; add it"},
        RefusedConfiguration{"NoFiles", "  - name: own\n", "[0].files: is missing; add it"},
        RefusedConfiguration{
            "AnUpperCaseName",
            "  - name: Own\n    files: {a: x}\n",
            "[0].name: is not a name; write lower-case letters, digits, '-' and '.', such as "
            "buildkitd"},
        RefusedConfiguration{"ANameTwice",
                             File("a") + File("b"),
                             "[1].name: is given twice; rename or remove one of them"},
        RefusedConfiguration{"TooManyConfigurations",
                             Repeat(33, "  - name: n", "\n    files: {a: x}\n"),
                             ": has more than 32 entries; keep at most so many"},
        RefusedConfiguration{"TooManyFiles",
                             "  - name: own\n    files: {" + Repeat(17, "f", ": x, ") + "}\n",
                             "[0].files: has more than 16 entries; keep at most so many"},
        RefusedConfiguration{
            "AnAbsolutePath",
            File("/etc/a"),
            "[0].files./etc/a: has a part that is empty, is . or begins with .." + kPathEnd},
        RefusedConfiguration{
            "APathThatClimbs",
            File("a/../../b"),
            "[0].files.a/../../b: has a part that is empty, is . or begins with .." + kPathEnd},
        RefusedConfiguration{
            "APathOfTheDriver",
            File("..data/a"),
            "[0].files...data/a: has a part that is empty, is . or begins with .." + kPathEnd},
        RefusedConfiguration{
            "APathWithADot",
            File("./a"),
            "[0].files../a: has a part that is empty, is . or begins with .." + kPathEnd},
        RefusedConfiguration{
            "APathThatEndsWithASlash",
            File("a/"),
            "[0].files.a/: has a part that is empty, is . or begins with .." + kPathEnd},
        RefusedConfiguration{
            "APathWithASpace",
            File("a b"),
            "[0].files.a b: has a character other than letters, digits and ._-:[]" + kPathEnd},
        RefusedConfiguration{
            "APathWithABackslash",
            File("a\\b"),
            "[0].files.a\\b: has a character other than letters, digits and ._-:[]" + kPathEnd},
        RefusedConfiguration{"ADeepPath",
                             File("1/2/3/4/5/6/7/8/9"),
                             "[0].files.1/2/3/4/5/6/7/8/9: has more than 8 parts" + kPathEnd},
        RefusedConfiguration{
            "APathThatNamesNoConnectorsField",
            File("{{token}}"),
            "[0].files.{{token}}: has no proper name: line 1: {{token}} is not known here; "
            "known: address, ca, ca_file, first, host, host_directory, last, mirror_url, name, "
            "namespace, path_form, plain_http, tls, upstream_directory, upstream_host, url"},
        RefusedConfiguration{
            "APathWithASection",
            File("a{{#tls}}b{{/tls}}"),
            "[0].files.a{{#tls}}b{{/tls}}: has a section in its name; write {{NAME}} only"},
        RefusedConfiguration{
            "AFormatThatIsNotKnown",
            File("a.conf"),
            "[0].files.a.conf: has an extension that says nothing of its format; add formats: "
            "{a.conf: json, toml, yaml, shell or plain}"},
        RefusedConfiguration{"AFormatOfNoFile",
                             "  - name: own\n    files: {a: x}\n    formats: {b: toml}\n",
                             "[0].formats.b: names no file of files; remove it"},
        RefusedConfiguration{
            "ATemplateWithoutEscaping",
            File("a.json", "{{{host}}}"),
            "[0].files.a.json: line 1: {{{ would write a value without escaping it; write "
            "{{NAME}} for a value, and a space or a new line between a brace and a tag"},
        RefusedConfiguration{
            "AValueOutsideOfQuotes",
            File("a.toml", "x = {{user}}"),
            "[0].files.a.toml: line 1: {{user}} does not stand in quotes, where it could write "
            "anything; write \"{{user}}\""},
        RefusedConfiguration{
            "AnUnknownName",
            File("a", "{{params.x}}"),
            "[0].files.a: line 1: {{params.x}} is not known here; known: #connectors, #hosts, "
            "#mirrors, #plain_hosts, auth, ca, ca_file, mount_path, token, user"},
        RefusedConfiguration{
            "AConnectorsNameOutsideOfItsList",
            File("a", "{{host}}"),
            "[0].files.a: line 1: {{host}} is not known here; known: #connectors, #hosts, "
            "#mirrors, #plain_hosts, auth, ca, ca_file, mount_path, token, user"},
        RefusedConfiguration{"AParameterTwice",
                             Params("[{name: a}, {name: a}]"),
                             "[0].params[1].name: is given twice; keep one of them"},
        RefusedConfiguration{
            "AParameterWithADot",
            Params("[{name: a.b}]"),
            "[0].params[0].name: is not a parameter's name; write letters, digits and _, "
            "beginning with a letter"},
        RefusedConfiguration{"ARequiredParameterWithADefault",
                             Params("[{name: a, required: true, default: b}]"),
                             "[0].params[0].required: excludes default; keep one of them"},
        RefusedConfiguration{"ALongDefault",
                             Params("[{name: a, default: " + std::string(4097, 'x') + "}]"),
                             "[0].params[0].default: is longer than 4096 characters; shorten it"},
        RefusedConfiguration{
            "ALongDescription",
            Params("[{name: a, description: " + std::string(257, 'x') + "}]"),
            "[0].params[0].description: is longer than 256 characters; shorten it"},
        RefusedConfiguration{"TooManyParameters",
                             Params("[" + Repeat(33, "{name: p", "}, ") + "]"),
                             "[0].params: has more than 32 entries; keep at most so many"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(FilePathProblem, IsAPartThatNoFileSystemTakes) {
  EXPECT_EQ(FilePathProblem("a/" + std::string(255, 'b')), "");
  EXPECT_EQ(FilePathProblem("a/" + std::string(256, 'b')), "has a part of more than 255 bytes");
}

}  // namespace
}  // namespace connector::resource
