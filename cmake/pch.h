// The shared precompiled header: what nearly every source needs. torch/nn.h stays out: it would cost
// every source 4 s (700 MB instead of 450 MB), and only nn, clip and train need it.
#pragma once
#include <torch/types.h>
#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>
