// What a template is built from: templates/NAME/template.toml as a plain value. The definitions
// that vsd ships lie in /usr/share/vsd/templates, a host's own in /etc/vsd/templates and come
// first.
//
//   description  = "Debian 13, systemd"
//   distribution = "debian"
//   release      = "trixie"
//   mirror       = "http://deb.debian.org/debian"
//   security     = "http://deb.debian.org/debian-security"   # optional, with RELEASE-updates
//   keyring      = "/usr/share/keyrings/debian-archive-keyring.gpg"
//   components   = ["main"]
//   variant      = "minbase"        # of mmdebstrap(1)
//   packages     = ["systemd-sysv"]
//   init         = "systemd"        # or sysv, command
//   command      = ["/bin/sh"]      # with init = "command" only
//   clean        = ["/etc/hostname"]
//
// An executable `customize` beside it is run by mmdebstrap, as root, with the tree's path as its
// only argument, when all packages are in. Both are the administrator's: nothing of a user's gets
// here.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "vsd/context/definition.hpp"

namespace vs {

struct TemplateDefinition {
  std::string name;    // of its folder
  std::string origin;  // path of template.toml
  std::string description;
  std::string distribution;
  std::string release;
  std::string mirror;
  std::string security;  // may be empty
  std::string keyring;
  std::vector<std::string> components;
  std::string variant = "minbase";
  std::vector<std::string> packages;
  Init init = Init::Systemd;
  std::vector<std::string> command;
  // Files that are taken out of the built tree: what the build left there of this host.
  std::vector<std::string> clean;
  std::string customize;  // path of the program beside template.toml; empty when there is none
};

struct ParsedTemplate {
  TemplateDefinition definition;      // to be used only when there are no problems
  std::vector<std::string> problems;  // every one, as "FILE:LINE:COLUMN: ..."
};

// `name` is the folder's name, `origin` the file's path for messages.
ParsedTemplate parseTemplate(std::string_view toml, const std::string& name,
                             const std::string& origin);

struct TemplateDefinitions {
  std::vector<TemplateDefinition> definitions;  // sorted by name
  std::vector<std::string> problems;            // of those that are left out because of them
};

// All of `directories` (first wins), each with a folder per template; absent ones are fine.
TemplateDefinitions findTemplateDefinitions(const std::vector<std::string>& directories);
// One of them. Throws NotFound (with what there is as hint), or InvalidParameter with all problems.
TemplateDefinition findTemplateDefinition(const std::vector<std::string>& directories,
                                          const std::string& name);

// Whether text may become part of what mmdebstrap and apt are told (security rule DR10).
bool isPackageName(std::string_view text);
bool isMirror(std::string_view text);  // http:// or https://, no user or password in it

}  // namespace vs
