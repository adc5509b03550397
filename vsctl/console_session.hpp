// The console of a context on the user's terminal. The messages are those of method Console in
// io.vsd.varlink: 'd' and bytes in both directions, 'w' and "COLUMNS ROWS" towards the console.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "vsd/base/fd.hpp"

namespace vs::ctl {

// "ctrl-]" -> 0x1d, "ctrl-a" -> 0x01; nullopt for "none". Throws InvalidParameter otherwise.
std::optional<char> parseDetachKey(std::string_view text);

enum class ConsoleEnd { Detached, Closed };

// Relays between standard input and output and the console until the key is typed, the console is
// closed or, when input is no terminal, until input ends.
ConsoleEnd relayConsole(const Fd& console, std::optional<char> detachKey, int in = 0, int out = 1);

}  // namespace vs::ctl
