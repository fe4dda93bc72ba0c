// Repairs of damaged text, as ftfy.fix_text makes them and CLIP's own tokenizers expect. No torch here.
#pragma once

#include "noisescope/clip/text/unicode.h"

namespace noisescope::clip {

/// ftfy 6.3's fix_text(text, fix_encoding=False), line by line until nothing changes: closed HTML
/// references (up to the first line with a '<'), C1 controls as Windows-1252, Latin ligatures, half-
/// and fullwidth forms, straight quotes, line breaks, terminal escapes, control characters, NFC.
/// The one step left out is the repair of text that was decoded in a wrong encoding ("schÃ¶n").
CodePoints repair_text(const CodePoints& text);

}  // namespace noisescope::clip
