// Each verb in its own file: a function that declares the verb's flags on its parser and returns
// what to do when they are parsed.
#pragma once

#include "vsctl/verbs.hpp"
#include "vsd/base/json.hpp"

namespace vs::ctl {

Action checkVerb(Flags& flags);
Action checkpointCreateVerb(Flags& flags);
Action checkpointListVerb(Flags& flags);
Action checkpointRemoveVerb(Flags& flags);
Action checkpointRestoreVerb(Flags& flags);
Action checkpointShowVerb(Flags& flags);
Action cloneVerb(Flags& flags);
Action consoleVerb(Flags& flags);
Action createVerb(Flags& flags);
Action enterVerb(Flags& flags);
Action execVerb(Flags& flags);
Action exportVerb(Flags& flags);
Action freezeVerb(Flags& flags);
Action importVerb(Flags& flags);
Action hostResumeAllVerb(Flags& flags);
Action hostSuspendAllVerb(Flags& flags);
Action infoVerb(Flags& flags);
Action listVerb(Flags& flags);
Action logVerb(Flags& flags);
Action operationAbortVerb(Flags& flags);
Action operationListVerb(Flags& flags);
Action operationShowVerb(Flags& flags);
Action operationWaitVerb(Flags& flags);
Action reconcileVerb(Flags& flags);
Action removeVerb(Flags& flags);
Action renameVerb(Flags& flags);
Action resizeVerb(Flags& flags);
Action fsckVerb(Flags& flags);
Action restartVerb(Flags& flags);
Action resumeVerb(Flags& flags);
Action setVerb(Flags& flags);
Action showVerb(Flags& flags);
Action snapshotCreateVerb(Flags& flags);
Action snapshotDiffVerb(Flags& flags);
Action snapshotListVerb(Flags& flags);
Action snapshotRemoveVerb(Flags& flags);
Action snapshotRestoreVerb(Flags& flags);
Action snapshotScheduleVerb(Flags& flags);
Action snapshotShowVerb(Flags& flags);
Action startVerb(Flags& flags);
Action stopVerb(Flags& flags);
Action storageAddVerb(Flags& flags);
Action netVerb(Flags& flags);
Action networkAddVerb(Flags& flags);
Action networkImportVerb(Flags& flags);
Action networkListVerb(Flags& flags);
Action networkRemoveVerb(Flags& flags);
Action networkShowVerb(Flags& flags);
Action fwCheckVerb(Flags& flags);
Action fwSetVerb(Flags& flags);
Action fwShowVerb(Flags& flags);
Action fwTestVerb(Flags& flags);
Action storageHandoverVerb(Flags& flags);
Action suspendVerb(Flags& flags);
Action takeVerb(Flags& flags);
Action storageListVerb(Flags& flags);
Action storageMoveVerb(Flags& flags);
Action storageRemoveVerb(Flags& flags);
Action storageShowVerb(Flags& flags);
Action storageCheckVerb(Flags& flags);
Action templateBuildVerb(Flags& flags);
Action templateCreateVerb(Flags& flags);
Action templateExportVerb(Flags& flags);
Action templateImportVerb(Flags& flags);
Action templateListVerb(Flags& flags);
Action templateRemoveVerb(Flags& flags);
Action templateShowVerb(Flags& flags);
Action thawVerb(Flags& flags);
Action undoVerb(Flags& flags);

// Says what the daemon tells of a schedule that it cannot keep.
void noteTrouble(const Session& session, const Json& reply);

}  // namespace vs::ctl
