// What is held of a trained network's evidence on a word of the demo world, as users get it.
#pragma once

#include "noisescope/verify/evidence_question.h"

namespace noisescope::verify {

/// Curves, half-points and log-odds of the trained subject against the exact ones of the same paths.
VerifyRows decision_rows(const VerifyContext& context, const Question& question);

/// The trained subject on pictures of the world: curves, half-points and log-odds against the exact ones, totals, maps;
/// and what the subject is `calibrated`, by other pictures, beside what it claims.
VerifyRows trained_evidence_rows(const VerifyContext& context, const Question& question, const Model& calibrated);

/// The same of pictures that the network drew itself, guided as users draw them: those that the exact parser reads as
/// the prompt says. Their truth is the world's posterior at the same noise.
VerifyRows drawn_picture_rows(const VerifyContext& context, const Question& question);

/// The word's neighbour in the list is said of each picture: it must be found out.
VerifyRows contradicted_rows(const VerifyContext& context, const Model& subject, const Question& question);

}  // namespace noisescope::verify
