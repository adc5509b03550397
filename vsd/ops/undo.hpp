// Undoable disks: a start takes a snapshot before anything of the context runs; when it is down
// again its changes are kept (the snapshot goes) or discarded (the volume goes back to it).
//
// A session is what lies between. It is told by the snapshot alone, so it survives whatever ends
// vsd or the host; a reboot from inside, the restart policy and 'vsctl restart' go on with it. Who
// says what becomes of the changes, in this order: the stop, the definition (atStop), 'vsctl undo'.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vsd/ops/host.hpp"

namespace vs {

inline constexpr const char* kUndoSnapshot = "vsd-undo";
// The step of a start that takes it; the one from which on the context may have written.
inline constexpr const char* kUndoStep = "take its undo snapshot";
inline constexpr const char* kBootStep = "boot";

enum class UndoAnswer { Keep, Discard };
std::string_view nameOf(UndoAnswer answer);
// "keep" or "discard"; throws InvalidParameter.
UndoAnswer undoAnswerFrom(const std::string& word);
// What its definition says; nullopt: somebody has to be asked.
std::optional<UndoAnswer> standingAnswer(const Definition& definition);

// Whether its undo snapshot is there. Asks the storage only for a disk that is undoable.
bool hasUndo(const Host& host, const Definition& definition);

// Throws Unsupported when the disk is to be undoable on a storage without snapshots.
void checkDisk(const Host& host, const Definition& definition);
// Throws InvalidState as long as the changes of an ended session wait for somebody's word.
void checkUndoDecided(const Host& host, const ContextPicture& context);
// Throws InvalidState when there is an answer and nothing that it could be about.
void checkAnswer(const Host& host, const std::string& name,
                 const std::optional<UndoAnswer>& answer);
std::string describeAnswer(const std::string& name, UndoAnswer answer);

// Of a context that is down. May be repeated; cut off, it is done again or by the next answer.
void settleUndo(const Host& host, const std::string& name, UndoAnswer answer, Operation& operation);
// The same with the definition's answer when there is none; without either it is noted that the
// changes wait.
void endSession(const Host& host, const std::string& name, std::optional<UndoAnswer> answer,
                Operation& operation);

// vsctl undo.
std::vector<std::string> planUndo(const Host& host, const std::string& name, UndoAnswer answer);
void undo(const Host& host, const std::string& name, UndoAnswer answer, Operation& operation);

}  // namespace vs
