#include "vsd/ops/picture_json.hpp"

#include "vsd/base/json.hpp"

namespace vs {
namespace {

Json stepToJson(const Step& step) {
  Json json{{"name", step.name}, {"state", nameOf(step.state)}};
  if (step.duration) json["duration"] = step.duration->count();
  return json;
}

Step stepFrom(const Json& json) {
  Step step;
  step.name = json.at("name");
  const std::string state = json.at("state");
  for (const StepState candidate :
       {StepState::Running, StepState::Done, StepState::Failed, StepState::Undone})
    if (nameOf(candidate) == state) step.state = candidate;
  if (json.contains("duration")) step.duration = Millis(json["duration"].get<std::int64_t>());
  return step;
}

}  // namespace

Json toJson(const OperationPicture& picture) {
  Json json{
      {"id", picture.id},       {"verb", picture.verb},           {"object", picture.object},
      {"user", picture.user},   {"state", nameOf(picture.state)}, {"started", picture.started},
      {"steps", Json::array()}, {"notes", picture.notes}};
  for (const Step& step : picture.steps) json["steps"].push_back(stepToJson(step));
  if (picture.progress) json["progress"] = *picture.progress;
  if (!picture.finished.empty()) json["finished"] = picture.finished;
  if (picture.error) {
    json["error"] = picture.error->text();
    json["errorKind"] = nameOf(picture.error->kind());
    if (!picture.error->hint().empty()) json["hint"] = picture.error->hint();
    if (!picture.error->blockers().empty()) json["problems"] = picture.error->blockers();
  }
  return json;
}

OperationPicture pictureFrom(const Json& json) {
  OperationPicture picture;
  picture.id = json.at("id");
  picture.verb = json.at("verb");
  picture.object = json.at("object");
  picture.user = json.at("user");
  picture.state =
      operationStateFrom(json.at("state").get<std::string>()).value_or(OperationState::Failed);
  picture.started = json.at("started");
  picture.finished = json.value("finished", "");
  for (const Json& step : json.at("steps")) picture.steps.push_back(stepFrom(step));
  for (const Json& note : json.at("notes")) picture.notes.push_back(note);
  if (json.contains("error")) {
    picture.error =
        Error(kindFrom(json.value("errorKind", "Failed")).value_or(Kind::Failed), json["error"]);
    picture.error->withHint(json.value("hint", ""));
    picture.error->withBlockers(json.value("problems", std::vector<std::string>()));
  }
  return picture;
}

}  // namespace vs
