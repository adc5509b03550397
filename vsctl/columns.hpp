// The columns of every list, and the fields of every record.
#pragma once

#include "vsctl/table.hpp"

namespace vs::ctl {

extern const Columns kContextColumns;
extern const Columns kContextFields;
extern const Columns kSecurityFields;
extern const Columns kTemplateColumns;
extern const Columns kTemplateFields;
extern const Columns kSnapshotColumns;
extern const Columns kSnapshotFields;
extern const Columns kScheduleColumns;
extern const Columns kDiffColumns;
extern const Columns kStorageColumns;
extern const Columns kStorageFields;
extern const Columns kNetworkColumns;
extern const Columns kLinkColumns;
extern const Columns kFirewallColumns;
extern const Columns kDefinitionColumns;
extern const Columns kOperationColumns;
extern const Columns kOperationFields;
extern const Columns kCheckpointColumns;
extern const Columns kFindingColumns;
extern const Columns kObstacleColumns;
extern const Columns kInfoFields;
extern const Columns kPlanColumns;
extern const Columns kDifferenceColumns;

}  // namespace vs::ctl
