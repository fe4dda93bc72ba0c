// removed when the module gets its first source
