#include "cli/commands.h"

#include <algorithm>
#include <ostream>
#include <string>

namespace connector::cli {
namespace {

// What can follow a beginning of the command line: the words of one completion, with help.
struct CompletionStep {
  std::string typed;  // "" at the start, "pki", "pki init".
  std::vector<std::pair<std::string, std::string>> words;
};

CompletionStep& StepFor(std::vector<CompletionStep>& steps, const std::string& typed) {
  const auto found = std::find_if(
      steps.begin(), steps.end(), [&](const CompletionStep& step) { return step.typed == typed; });
  return found != steps.end() ? *found : steps.emplace_back(CompletionStep{typed, {}});
}

std::vector<CompletionStep> StepsOf(const std::vector<Command>& commands) {
  std::vector<CompletionStep> steps;
  for (const auto& command : commands) {
    const std::string name(command.spec.name);
    const std::size_t space = name.find(' ');
    std::string summary(command.spec.summary);
    if (space != std::string::npos) {
      StepFor(steps, name.substr(0, space)).words.emplace_back(name.substr(space + 1), summary);
      summary = name.substr(0, space) + " commands";
    }
    auto& first = StepFor(steps, "").words;
    const std::string word = name.substr(0, space);
    if (std::none_of(first.begin(), first.end(), [&](const auto& w) { return w.first == word; })) {
      first.emplace_back(word, summary);
    }
    auto& own = StepFor(steps, name).words;
    for (const std::string_view choice : command.spec.choices) {
      own.emplace_back(choice, "");
    }
    for (const Flag& flag : command.spec.flags) {
      own.emplace_back("--" + std::string(flag.name), flag.help);
    }
    own.emplace_back("--help", "Explain the command.");
  }
  // Longest first: "pki init" must be tried before "pki".
  std::stable_sort(
      steps.begin(), steps.end(), [](const CompletionStep& a, const CompletionStep& b) {
        return a.typed.size() > b.typed.size();
      });
  return steps;
}

// The arms of a `case` over what was typed so far with one space at its end; `verb` takes the
// words.
std::string Cases(const std::vector<CompletionStep>& steps, std::string_view verb) {
  std::string text;
  for (const CompletionStep& step : steps) {
    text += "    '" + step.typed + " '*) " + std::string(verb);
    if (step.typed.empty()) {
      text.replace(text.rfind("' '*"), 4, "' '");
    }
    for (const auto& [word, help] : step.words) {
      text += " " + word;
    }
    text += verb.ends_with('(') ? ") ;;\n" : " ;;\n";
  }
  return text;
}

std::string Bash(const std::vector<CompletionStep>& steps) {
  return "# connectorctl completion bash > /etc/bash_completion.d/connectorctl\n"
         "_connectorctl() {\n"
         "  local words=()\n"
         "  case \"${COMP_WORDS[*]:1:COMP_CWORD-1} \" in\n" +
         Cases(steps, "words=(") +
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"${words[*]}\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
         "}\n"
         "complete -o default -F _connectorctl connectorctl\n";
}

std::string Zsh(const std::vector<CompletionStep>& steps) {
  return "#compdef connectorctl\n"
         "# connectorctl completion zsh > \"${fpath[1]}/_connectorctl\"\n"
         "_connectorctl() {\n"
         "  case \"${(j: :)words[2,CURRENT-1]} \" in\n" +
         Cases(steps, "compadd --") +
         "  esac\n"
         "  _files\n"
         "}\n"
         "if [ \"$funcstack[1]\" = \"_connectorctl\" ]; then\n"
         "  _connectorctl \"$@\"\n"
         "else\n"
         "  compdef _connectorctl connectorctl\n"
         "fi\n";
}

// In single quotes, as fish reads them.
std::string FishQuote(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    out += c == '\'' || c == '\\' ? std::string{'\\', c} : std::string{c};
  }
  return out + "'";
}

std::string FishCondition(const std::string& typed) {
  if (typed.empty()) {
    return "__fish_use_subcommand";
  }
  const std::size_t space = typed.find(' ');
  std::string condition = "__fish_seen_subcommand_from " + typed.substr(0, space);
  if (space != std::string::npos) {
    condition += "; and __fish_seen_subcommand_from " + typed.substr(space + 1);
  }
  return condition;
}

std::string Fish(const std::vector<CompletionStep>& steps) {
  std::string text =
      "# connectorctl completion fish > ~/.config/fish/completions/connectorctl.fish\n";
  for (const CompletionStep& step : steps) {
    for (const auto& [word, help] : step.words) {
      text += "complete -c connectorctl -n " + FishQuote(FishCondition(step.typed));
      text += word.starts_with("--") ? " -l " + word.substr(2) : " -a " + word;
      text += help.empty() ? "\n" : " -d " + FishQuote(help) + "\n";
    }
  }
  return text;
}

int RunCompletion(const CommandArguments& arguments, const Console& console) {
  const std::vector<CompletionStep> steps = StepsOf(AllCommands());
  const std::string& shell = arguments.positionals()[0];
  console.out << (shell == "bash" ? Bash(steps) : shell == "zsh" ? Zsh(steps) : Fish(steps));
  return kExitOk;
}

constexpr std::string_view kCompletionDetails =
    R"(Examples:
  source <(connectorctl completion bash)
  connectorctl completion fish > ~/.config/fish/completions/connectorctl.fish
)";

}  // namespace

Command CompletionCommand() {
  return {{.name = "completion",
           .summary = "Print the completion script of a shell.",
           .positionals = "SHELL",
           .min_positionals = 1,
           .max_positionals = 1,
           .choices = {"bash", "zsh", "fish"},
           .details = kCompletionDetails},
          RunCompletion};
}

}  // namespace connector::cli
