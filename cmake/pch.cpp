// Carries the precompiled header; see NoisescopeModule.cmake.
