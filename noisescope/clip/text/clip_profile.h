// Whose rules are followed. The same weights were published with three programs around them, which
// clean prompts, name and pad tokens, and cut pictures in different ways. No torch here.
#pragma once

#include "noisescope/core/options.h"

namespace noisescope::clip {

///            text is cleaned by                  start, end of text              padding
/// hf         NFC, blanks, lower case             <|startoftext|>, <|endoftext|>  what the files say
/// openai     repair, HTML, blanks, lower case    <|startoftext|>, <|endoftext|>  0
/// open_clip  repair, HTML, blanks, lower case    <start_of_text>, <end_of_text>  0
///            first row of the middle crop        non-RGB pictures become RGB
/// hf         floor((H - h) / 2)                  before anything else
/// openai     round((H - h) / 2), half to even    after resizing and cropping
/// open_clip  round((H - h) / 2), half to even    after resizing and cropping
enum class ClipProfile { hf, openai, open_clip };
NOISESCOPE_ENUM(ClipProfile, hf, openai, open_clip)

}  // namespace noisescope::clip
