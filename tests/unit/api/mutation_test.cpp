// Damaged calls, as a client gone wrong or bad would send them: each is answered or refused.
#include <gtest/gtest.h>

#include "interface_text.hpp"
#include "tests/support/mutate.hpp"
#include "vsd/api/framing.hpp"
#include "vsd/api/service.hpp"
#include "vsd/base/error.hpp"

namespace vs::api {
namespace {

constexpr int kVariants = 20'000;

const std::vector<std::string> kCalls{
    R"({"method":"io.vsd.Create","parameters":{"wish":{"name":"web1","template":"debian13","limits":{"memory":536870912,"cpus":1500},"dns":["10.0.0.1"],"autostart":true},"start":true}})",
    R"({"method":"io.vsd.Set","parameters":{"name":"web1","changes":{"tags":["a","b"],"unset":["domain"],"limits":{"pids":100}}},"more":true})",
    R"({"method":"org.varlink.service.GetInterfaceDescription","parameters":{"interface":"io.vsd"}})",
};

TEST(DamagedCalls, AreAnsweredOrRefused) {
  Service service{std::string(kInterfaceText), "1"};
  int reached = 0;
  for (const auto& [name, method] : service.interface().methods)
    service.add(name, [&reached](Call&) -> Outcome {
      ++reached;
      return Answer{};
    });
  int answered = 0;
  for (const std::string& good : kCalls) {
    test::Mutator mutator(good);
    for (int i = 0; i < kVariants; ++i) {
      FrameReader frames(kServerFrameLimit);
      frames.push(mutator.next() + std::string(1, '\0'));
      while (auto frame = frames.pop()) {
        try {
          const Json message = parseJson(frame->text, "the call");
          Call call;
          call.parameters = message.at("parameters");
          const Service::Result result = service.handle(message.at("method"), call);
          EXPECT_TRUE(result.reply);
          ++answered;
        } catch (const Error&) {
        } catch (const Json::exception&) {  // what the server answers as a broken call
        }
      }
    }
  }
  // Enough of them got through to what is behind the parser for this to be a test of it.
  EXPECT_GT(answered, kVariants / 10);
  EXPECT_GT(reached, 100);
}

TEST(DamagedCalls, DepthIsBounded) {
  for (const char* open : {"[", R"({"a":)"}) {
    std::string deep;
    for (int i = 0; i < 100'000; ++i) deep += open;
    EXPECT_THROW(parseJson(deep, "the call"), Error);
  }
}

}  // namespace
}  // namespace vs::api
