#include "vsctl/columns.hpp"

namespace vs::ctl {
namespace {

constexpr Column kContext[] = {
    {"name", "definition.name"},
    {"state", "state", Style::State},
    {"since", "since", Style::Age},
    {"template", "definition.template"},
    {"addresses", "addresses"},
    {"memory", "usage.memory", Style::Size},
    {"pids", "usage.pids", Style::Count},
    {"movable", "movable"},
    {"tags", "definition.tags"},
    {"goal", "goal", Style::Text, Shown::Wide},
    {"pid", "pid", Style::Count, Shown::Wide},
    {"cpu", "usage.cpuTime", Style::CpuTime, Shown::Wide},
    {"memory-limit", "definition.limits.memory", Style::Size, Shown::Wide},
    {"cpus-limit", "definition.limits.cpus", Style::Cpus, Shown::Wide},
    {"hostname", "definition.hostname", Style::Text, Shown::Wide},
    {"init", "definition.init", Style::Text, Shown::Wide},
    {"profile", "definition.profile", Style::Text, Shown::Wide},
    {"autostart", "definition.autostart", Style::Text, Shown::Wide},
    {"ended", "ended", Style::Text, Shown::Wide},
    {"storage", "definition.storage", Style::Text, Shown::Asked},
    {"size", "definition.size", Style::Size, Shown::Asked},
    {"swap-limit", "definition.limits.swap", Style::Size, Shown::Asked},
    {"cpu-weight", "definition.limits.cpuWeight", Style::Count, Shown::Asked},
    {"pids-limit", "definition.limits.pids", Style::Count, Shown::Asked},
    {"restart", "definition.restart", Style::Text, Shown::Asked},
    {"disk", "definition.disk", Style::Text, Shown::Asked},
    {"at-stop", "definition.atStop", Style::Text, Shown::Asked},
    {"domain", "definition.domain", Style::Text, Shown::Asked},
    {"operation", "operation", Style::Text, Shown::Asked},
    {"schedule", "definition.schedule", Style::Text, Shown::Asked},
    {"id-base", "definition.idBase", Style::Count, Shown::Asked},
    {"uuid", "definition.uuid", Style::Text, Shown::Asked},
    {"created", "definition.created", Style::Time, Shown::Asked},
    {"obstacles", "obstacles", Style::Text, Shown::Asked},
    {"notes", "notes", Style::Text, Shown::Asked},
};

constexpr Column kObstacle[] = {
    {"context", "context"},       {"program", "program"},
    {"pid", "pid", Style::Count}, {"unit", "unit"},
    {"place", "place"},           {"found", "found"},
    {"remedy", "remedy"},         {"kind", "kind", Style::Text, Shown::Wide},
};

constexpr Column kContextRecord[] = {
    {"name", "definition.name"},
    {"state", "state", Style::State},
    {"since", "since", Style::Age},
    {"goal", "goal"},
    {"system", "systemState", Style::State},
    {"ended", "ended"},
    {"operation", "operation"},
    {"movable", "movable"},
    {"obstacles", "obstacles"},
    {"pid", "pid", Style::Count},
    {"memory", "usage.memory", Style::Size},
    {"memory-limit", "definition.limits.memory", Style::Size},
    {"swap-limit", "definition.limits.swap", Style::Size},
    {"pids", "usage.pids", Style::Count},
    {"pids-limit", "definition.limits.pids", Style::Count},
    {"cpu-time", "usage.cpuTime", Style::CpuTime},
    {"cpus", "definition.limits.cpus", Style::Cpus},
    {"cpu-weight", "definition.limits.cpuWeight", Style::Count},
    {"read-rate", "definition.limits.readRate", Style::Size},
    {"write-rate", "definition.limits.writeRate", Style::Size},
    {"template", "definition.template"},
    {"storage", "definition.storage"},
    {"size", "definition.size", Style::Size},
    {"init", "definition.init"},
    {"command", "definition.command", Style::Command},
    {"user", "definition.user"},
    {"environment", "definition.environment"},
    {"profile", "definition.profile"},
    {"hostname", "definition.hostname"},
    {"domain", "definition.domain"},
    {"dns", "definition.dns"},
    {"hosts", "definition.hosts"},
    {"addresses", "addresses"},
    {"firewall", "definition.rules"},
    {"forwards", "definition.forwards"},
    {"authorized-keys", "definition.authorizedKeys"},
    {"autostart", "definition.autostart"},
    {"restart", "definition.restart"},
    {"stop-timeout", "definition.stopTimeout", Style::Duration},
    {"disk", "definition.disk"},
    {"at-stop", "definition.atStop"},
    {"tags", "definition.tags"},
    {"schedule", "definition.schedule"},
    {"first-id", "definition.idBase", Style::Count},
    {"uuid", "definition.uuid"},
    {"created", "definition.created", Style::Time},
    {"notes", "notes"},
};

constexpr Column kSecurity[] = {
    {"name", "name"},
    {"id-map", "idMap"},
    {"namespaces", "namespaceList"},
    {"capabilities", "capabilities"},
    {"seccomp", "seccomp"},
    {"apparmor", "appArmor"},
    {"devices", "devices"},
    {"covered-paths", "coveredPaths"},
    {"notes", "notes"},
};

constexpr Column kTemplate[] = {
    {"name", "name"},
    {"distribution", "distribution"},
    {"release", "release"},
    {"architecture", "architecture"},
    {"init", "init"},
    {"size", "size", Style::Size},
    {"created", "created", Style::Age},
    {"description", "description", Style::Text, Shown::Wide},
    {"source", "source", Style::Text, Shown::Wide},
    {"storages", "storages", Style::Text, Shown::Wide},
    {"checksum", "checksum", Style::Text, Shown::Asked},
    {"packages", "packages", Style::Text, Shown::Asked},
};

constexpr Column kTemplateRecord[] = {
    {"name", "name"},
    {"description", "description"},
    {"distribution", "distribution"},
    {"release", "release"},
    {"architecture", "architecture"},
    {"init", "init"},
    {"command", "command", Style::Command},
    {"size", "size", Style::Size},
    {"created", "created", Style::Time},
    {"source", "source"},
    {"storages", "storages"},
    {"checksum", "checksum"},
    {"packages", "packages"},
    {"changes", "changes"},
};

constexpr Column kDefinition[] = {
    {"name", "name"},
    {"distribution", "distribution"},
    {"release", "release"},
    {"description", "description"},
    {"mirror", "mirror", Style::Text, Shown::Wide},
    {"origin", "origin", Style::Text, Shown::Wide},
};

constexpr Column kOperation[] = {
    {"id", "id"},
    {"verb", "verb"},
    {"object", "object"},
    {"state", "state", Style::State},
    {"progress", "progress", Style::Count},
    {"started", "started", Style::Age},
    {"user", "user"},
    {"error", "error"},
    {"finished", "finished", Style::Age, Shown::Wide},
    {"error-kind", "errorKind", Style::Text, Shown::Wide},
    {"hint", "hint", Style::Text, Shown::Wide},
};

constexpr Column kOperationRecord[] = {
    {"id", "id"},
    {"verb", "verb"},
    {"object", "object"},
    {"state", "state", Style::State},
    {"progress", "progress", Style::Count},
    {"started", "started", Style::Time},
    {"finished", "finished", Style::Time},
    {"user", "user"},
    {"steps", "stepLines"},
    {"error", "error"},
    {"problems", "problems"},
    {"hint", "hint"},
    {"notes", "notes"},
};

constexpr Column kCheckpoint[] = {
    {"name", "name"},
    {"created", "created", Style::Time},
    {"memory", "memory", Style::Size},
    {"kernel", "kernel"},
    {"troubles", "troubles"},
};

constexpr Column kFinding[] = {
    {"area", "area"},   {"name", "name"},     {"state", "state", Style::State},
    {"found", "found"}, {"remedy", "remedy"},
};

constexpr Column kInfo[] = {
    {"version", "version"},
    {"client", "client"},
    {"host", "host"},
    {"pid", "pid", Style::Count},
    {"uptime", "uptime", Style::Duration},
    {"state-directory", "stateDirectory"},
    {"contexts", "contexts", Style::Count},
    {"running", "running", Style::Count},
};

constexpr Column kSnapshot[] = {
    {"name", "name"},
    {"created", "created", Style::Age},
    {"size", "size", Style::Size},
    {"by", "by"},
    {"mapped", "mapped", Style::Size, Shown::Asked},
};

constexpr Column kSnapshotRecord[] = {
    {"name", "name"}, {"created", "created", Style::Time}, {"size", "size", Style::Size},
    {"by", "by"},     {"mapped", "mapped", Style::Size},
};

constexpr Column kScheduleRule[] = {
    {"period", "period"},           {"keep", "keep", Style::Count},
    {"kept", "kept", Style::Count}, {"newest", "newest", Style::Age},
    {"next", "next", Style::Time},
};

constexpr Column kDiff[] = {
    {"path", "path"}, {"change", "change"},          {"type", "type"},
    {"what", "what"}, {"size", "size", Style::Size},
};

constexpr Column kStorage[] = {
    {"name", "name"},
    {"tier", "tier"},
    {"size", "size", Style::Size},
    {"used", "used", Style::Size},
    {"promised", "promised", Style::Size},
    {"volumes", "volumes", Style::Count},
    {"trouble", "trouble"},
    {"group", "group", Style::Text, Shown::Wide},
    {"copies", "copies", Style::Text, Shown::Wide},
    {"growth", "growth", Style::Size, Shown::Wide},
    {"metadata", "metadata", Style::Count, Shown::Wide},
    {"fs", "fileSystem", Style::Text, Shown::Wide},
    {"snapshots", "snapshots", Style::Text, Shown::Asked},
    {"templates", "templates", Style::Text, Shown::Asked},
};

constexpr Column kStorageRecord[] = {
    {"name", "name"},
    {"tier", "tier"},
    {"trouble", "trouble"},
    {"group", "group"},
    {"size", "size", Style::Size},
    {"used", "used", Style::Size},
    {"promised", "promised", Style::Size},
    {"growth", "growth", Style::Size},
    {"metadata", "metadata", Style::Count},
    {"fs", "fileSystem"},
    {"volumes", "volumes", Style::Count},
    {"copies", "copies"},
    {"snapshots", "snapshots"},
    {"templates", "templates"},
};

constexpr Column kNetwork[] = {
    {"name", "name"},
    {"kind", "kind"},
    {"vlan", "vlan", Style::Count},
    {"subnets", "prefixes"},
    {"gateways", "gateways"},
    {"domain", "domain"},
    {"contexts", "contexts"},
    {"dns", "dns", Style::Text, Shown::Wide},
    {"device", "device", Style::Text, Shown::Wide},
    {"mtu", "mtu", Style::Count, Shown::Wide},
};

constexpr Column kLink[] = {
    {"context", "context"},
    {"link", "name"},
    {"network", "network"},
    {"addresses", "addresses"},
    {"gateways", "gateways"},
    {"connected", "connected"},
    {"received", "received", Style::Size},
    {"sent", "sent", Style::Size},
    {"rate-in", "rateIn", Style::BitRate},
    {"rate-out", "rateOut", Style::BitRate},
    {"burst", "burst", Style::Size, Shown::Wide},
    {"vlan", "vlan", Style::Count, Shown::Wide},
    {"mac", "mac", Style::Text, Shown::Wide},
    {"mode", "mode", Style::Text, Shown::Wide},
    {"device", "device", Style::Text, Shown::Wide},
    {"bridge", "bridge", Style::Text, Shown::Wide},
};

constexpr Column kFirewall[] = {
    {"number", "number", Style::Count},
    {"rule", "rule"},
    {"packets", "packets", Style::Count},
    {"bytes", "bytes", Style::Size},
};

constexpr Column kPlan[] = {
    {"object", "object"},
    {"verb", "verb"},
    {"plan", "plan"},
};

constexpr Column kDifference[] = {
    {"difference", "difference"},
};

}  // namespace

const Columns kContextColumns = kContext;
const Columns kContextFields = kContextRecord;
const Columns kSecurityFields = kSecurity;
const Columns kTemplateColumns = kTemplate;
const Columns kTemplateFields = kTemplateRecord;
const Columns kSnapshotColumns = kSnapshot;
const Columns kSnapshotFields = kSnapshotRecord;
const Columns kScheduleColumns = kScheduleRule;
const Columns kDiffColumns = kDiff;
const Columns kStorageColumns = kStorage;
const Columns kStorageFields = kStorageRecord;
const Columns kNetworkColumns = kNetwork;
const Columns kLinkColumns = kLink;
const Columns kFirewallColumns = kFirewall;
const Columns kDefinitionColumns = kDefinition;
const Columns kOperationColumns = kOperation;
const Columns kOperationFields = kOperationRecord;
const Columns kCheckpointColumns = kCheckpoint;
const Columns kFindingColumns = kFinding;
const Columns kObstacleColumns = kObstacle;
const Columns kInfoFields = kInfo;
const Columns kPlanColumns = kPlan;
const Columns kDifferenceColumns = kDifference;

}  // namespace vs::ctl
