// What in a running context stands in the way of saving its memory: for suspend, checkpoints and
// live moves, known beforehand and named so that somebody can do something about it.
#pragma once

#include <string>
#include <vector>

#include "checkpoint/obstacle.hpp"
#include "vsd/ops/host.hpp"

namespace vs {

// One of them, and where it is; what does not apply is 0 or empty.
struct FoundObstacle {
  pid_t pid = 0;        // of the host
  std::string program;  // its name
  std::string unit;     // of the context's systemd
  std::string where;    // "fd 7", "memory 7f0000000000-7f0000001000"
  checkpoint::Obstacle obstacle;
  bool isFinal = false;  // nothing could be made of it after a dump that criu would not refuse
};

// Looks at every process of a running context; they go on meanwhile, so what ends or begins at this
// moment may be missed. What is found is noted in `contexts` too. Takes some milliseconds for each
// ten processes, and longer than that where they wait for storage that is gone. Throws InvalidState
// when it does not run.
std::vector<FoundObstacle> obstaclesIn(const Host& host, const std::string& name);

// The same for the note alone; of one that does not run it does nothing.
void lookForObstacles(const Host& host, const std::string& name);

// "redis-server (process 412, redis.service), fd 7: it is a descriptor of io_uring"
std::string inWords(const FoundObstacle& found);
std::vector<std::string> inWords(const std::vector<FoundObstacle>& all);

}  // namespace vs
