// A program that tries from inside a context what must not succeed, and says what the kernel
// answered: one line "NAME ANSWER" each, ANSWER being "ok" or the name of an errno. It judges
// nothing; tests/attack does. Every attempt has arguments that do no harm where no wall stands.
#pragma once

#include <string>

namespace vs::probe {

void say(const std::string& name, const std::string& answer);
std::string nameOf(int errnoValue);
// "ok", or for a result below 0 the name of errno.
std::string answerTo(long result);

// System calls (vsprobe_calls.cpp).
void calls();         // those no context may make
void abis();          // getpid through the 32-bit and x32 ABIs
void families();      // socket families and netlink protocols
void highBits();      // refused arguments with a bit set above the 32 that the kernel looks at
void spaces();        // new namespaces by clone, clone3 and unshare
void enter(int pid);  // every namespace of a process
void processes(int low, int high);  // which pids can be seen, opened, signalled or read
void forks(int wanted);             // how many children can live at once

// Files and mounts (vsprobe_files.cpp).
void mounts();                          // ways around what covers /proc and /sys
void above();                           // the directory at the top of the tree, by leaving a chroot
void nodes(const char* top);            // device nodes below a directory, as "PATH c1:3"
void makeNodes(const char* directory);  // mknod of host devices
void readable(const char* top);         // regular files that yield a byte, of a directory or file
void writable(const char* top);         // regular files that can be opened to be written
void watch(int seconds);                // what the links of all processes in /proc say meanwhile
void exchange(const char* one, const char* other, int seconds);  // swaps two names all the time

// Packets (vsprobe_net.cpp).
void frame(const char* device, const char* hex);  // a whole Ethernet frame
void listen(const char* device, int seconds);     // every frame that comes in, as "frame HEX"
void flood(const char* address, int count);       // UDP datagrams, each an exchange of its own

}  // namespace vs::probe
