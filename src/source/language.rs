//! Which language or format a file is in, from its name and, where it has no telling name, from
//! the first line.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::finding::scale;

scale! {
    /// The language or format of a file.
    Language {
        /// `.py`, `.pyi`, `.pyw`.
        Python = "python",
        /// `.ts`, `.mts`, `.cts`.
        TypeScript = "typescript",
        /// `.tsx`.
        Tsx = "tsx",
        /// `.js`, `.mjs`, `.cjs`, `.jsx`.
        JavaScript = "javascript",
        /// `.rs`.
        Rust = "rust",
        /// `.html`, `.htm`, Jinja templates.
        Html = "html",
        /// `.vue`, `.svelte`: markup with scripts inside.
        Vue = "vue",
        /// `.sql`.
        Sql = "sql",
        /// `.yml`, `.yaml`.
        Yaml = "yaml",
        /// `.json`, `.jsonc`.
        Json = "json",
        /// `.toml`.
        Toml = "toml",
        /// `.env` and its variants.
        Dotenv = "dotenv",
        /// `.ini`, `.cfg`, `.conf`, `.properties`.
        Ini = "ini",
        /// `Dockerfile`, `Containerfile`.
        Dockerfile = "dockerfile",
        /// `.sh` and its kin.
        Shell = "shell",
        /// `.md`, `.rst`, `.txt`, `.adoc`.
        Text = "text",
        /// `.css`, `.scss`, `.less`.
        Css = "css",
        /// `.xml`, `.svg`.
        Xml = "xml",
        /// A programming language that has no lowering yet (Go, Java, Ruby, …).
        Unsupported = "unsupported",
        /// None of these.
        Other = "other",
    }
}

impl Language {
    /// Whether files of it are lowered into modules.
    #[must_use]
    pub fn has_module(self) -> bool {
        matches!(
            self,
            Self::Python
                | Self::TypeScript
                | Self::Tsx
                | Self::JavaScript
                | Self::Rust
                | Self::Html
                | Self::Vue
        )
    }

    /// Whether files of it are data documents: the linker may want them lowered, and no rule does.
    /// Of `.conf` files those of nginx are meant.
    #[must_use]
    pub fn has_documents(self) -> bool {
        matches!(self, Self::Json | Self::Yaml | Self::Toml | Self::Ini)
    }

    /// Whether it is JavaScript or one of its kin.
    #[must_use]
    pub fn is_script(self) -> bool {
        matches!(self, Self::TypeScript | Self::Tsx | Self::JavaScript | Self::Html | Self::Vue)
    }

    /// Whether files of it hold what a browser shows.
    #[must_use]
    pub fn is_markup(self) -> bool {
        matches!(self, Self::Tsx | Self::Html | Self::Vue)
    }

    /// Whether its lines count as code in kLOC and in the language table.
    #[must_use]
    pub fn is_code(self) -> bool {
        self.has_module() || matches!(self, Self::Sql | Self::Shell | Self::Css)
    }
}

/// What a file's name says about its format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A reader of ours reads it.
    Read(Language),
    /// A programming language without a reader: code that nobody looked at.
    Unsupported(&'static str),
    /// A known format without a reader that holds no program: schemas, templates, tables of data.
    Data(&'static str),
    /// Bytes that are no text.
    Binary,
    /// The name does not tell.
    Unknown,
}

/// The language of a file. `head` is the beginning of its content; it is asked only where the name
/// has no extension, and only for a `#!` line.
#[must_use]
pub fn of(path: &str, head: Option<&[u8]>) -> Language {
    of_format(format_of(path, head))
}

/// The language that stands for a format.
#[must_use]
pub fn of_format(format: Format) -> Language {
    match format {
        Format::Read(language) => language,
        Format::Unsupported(_) => Language::Unsupported,
        Format::Data(_) | Format::Binary | Format::Unknown => Language::Other,
    }
}

/// The format of a file; see [`of`].
#[must_use]
pub fn format_of(path: &str, head: Option<&[u8]>) -> Format {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    match by_name(&name) {
        Format::Unknown => head.map_or(Format::Unknown, by_shebang),
        format => format,
    }
}

/// Whether the name leaves the format to the first line.
#[must_use]
pub fn needs_head(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    !name.trim_start_matches('.').contains('.') && format_of(path, None) == Format::Unknown
}

fn by_name(name: &str) -> Format {
    use Format::Read;
    // Names that mean more than their extension says, or have none.
    match name {
        "dockerfile" | "containerfile" => return Read(Language::Dockerfile),
        "makefile" | "gnumakefile" | "justfile" | "procfile" | ".envrc" | ".bashrc"
        | ".profile" | ".bash_profile" | ".zshrc" => return Read(Language::Shell),
        "pipfile" => return Read(Language::Toml),
        ".babelrc" | ".eslintrc" | ".prettierrc" | ".stylelintrc" | ".swcrc" | ".jshintrc"
        | ".bowerrc" | ".huskyrc" | ".lintstagedrc" | ".releaserc" | ".nycrc" | ".mocharc"
        | "composer.lock" | "flake.lock" | "deno.lock" | "bun.lock" => return Read(Language::Json),
        "poetry.lock" | "uv.lock" | "cargo.lock" | "pdm.lock" | "pipfile.lock" | "yarn.lock"
        | "gemfile.lock" | "package.resolved" | "mix.lock" => return Read(Language::Toml),
        ".flaskenv" | "env.example" | "env.sample" | "env.template" | "env.dist" => {
            return Read(Language::Dotenv);
        }
        ".gitignore"
        | ".dockerignore"
        | ".npmignore"
        | ".eslintignore"
        | ".prettierignore"
        | ".gitattributes"
        | ".npmrc"
        | ".yarnrc"
        | ".nvmrc"
        | ".editorconfig"
        | ".coveragerc"
        | ".pylintrc"
        | ".flake8"
        | ".isort.cfg"
        | ".python-version"
        | ".node-version"
        | ".ruby-version"
        | ".tool-versions"
        | ".browserslistrc"
        | ".mailmap"
        | ".ignore"
        | ".gitmodules"
        | ".helmignore"
        | ".gcloudignore"
        | ".slugignore"
        | ".vercelignore"
        | ".stylelintignore"
        | ".cursorignore"
        | "codeowners"
        | "nginx.conf"
        | "pylintrc"
        | ".fastapicloudignore"
        | ".git-blame-ignore-revs"
        | ".gitkeep"
        | ".keep"
        | "caddyfile" => {
            return Read(Language::Ini);
        }
        "license" | "licence" | "copying" | "notice" | "authors" | "contributors" | "changelog"
        | "changes" | "readme" | "history" | "todo" | "news" | "install" | "maintainers"
        | "contributing" | "unlicense" | "version" => return Read(Language::Text),
        "jenkinsfile" => return Format::Unsupported("Groovy"),
        "gemfile" | "rakefile" | "vagrantfile" | "podfile" | "brewfile" | "guardfile"
        | "fastfile" => return Format::Unsupported("Ruby"),
        "cmakelists.txt" => return Format::Data("CMake"),
        "build.bazel" | "workspace" | "tiltfile" => return Format::Unsupported("Starlark"),
        "go.mod" | "go.sum" => return Format::Data("Go modules"),
        ".ds_store" => return Format::Binary,
        _ => {}
    }
    if name.starts_with("dockerfile.") || name.starts_with("containerfile.") {
        return Read(Language::Dockerfile);
    }
    if name == ".env" || name.starts_with(".env.") || name.starts_with(".env-") {
        return Read(Language::Dotenv);
    }
    if name.starts_with("license") || name.starts_with("licence") || name.starts_with("readme.") {
        // `LICENSE.borders`, `LICENSE-MIT`, `README.ja`; but `license.ts` is code.
        let format = by_extension(name.rsplit('.').next().unwrap_or(""));
        return if format == Format::Unknown { Read(Language::Text) } else { format };
    }
    // A template is read as what it becomes: `nginx.conf.j2`, `page.html.jinja`.
    let mut stem = name;
    for suffix in [
        ".j2",
        ".jinja",
        ".jinja2",
        ".tmpl",
        ".tpl",
        ".tera",
        ".dist",
        ".example",
        ".sample",
        ".template",
    ] {
        if let Some(inner) = stem.strip_suffix(suffix) {
            stem = inner;
            break;
        }
    }
    if stem != name {
        let inner = by_name(stem);
        if inner != Format::Unknown {
            return inner;
        }
        let jinja = [".j2", ".jinja", ".jinja2", ".tera"].iter().any(|end| name.ends_with(end));
        return if jinja { Read(Language::Html) } else { Format::Unknown };
    }
    match name.rsplit_once('.') {
        // `.name` alone is a hidden file and not an extension.
        Some((before, extension)) if !before.is_empty() => by_extension(extension),
        _ => Format::Unknown,
    }
}

fn by_extension(extension: &str) -> Format {
    use Format::{Binary, Data, Read, Unsupported};
    match extension {
        "py" | "pyi" | "pyw" => Read(Language::Python),
        "ts" | "mts" | "cts" => Read(Language::TypeScript),
        "tsx" => Read(Language::Tsx),
        "js" | "mjs" | "cjs" | "jsx" | "es6" => Read(Language::JavaScript),
        "rs" => Read(Language::Rust),
        "html" | "htm" | "xhtml" | "hbs" | "handlebars" | "mustache" | "ejs" | "njk" => {
            Read(Language::Html)
        }
        "vue" | "svelte" => Read(Language::Vue),
        "sql" | "ddl" | "psql" => Read(Language::Sql),
        "yml" | "yaml" => Read(Language::Yaml),
        "json" | "jsonc" | "json5" | "webmanifest" | "geojson" | "map" | "har" => {
            Read(Language::Json)
        }
        "toml" => Read(Language::Toml),
        "env" => Read(Language::Dotenv),
        // Keys are read so that rules can see a private one.
        "ini" | "cfg" | "conf" | "properties" | "service" | "desktop" | "pem" | "key" | "crt"
        | "cer" | "pub" | "asc" | "csr" => Read(Language::Ini),
        "dockerfile" => Read(Language::Dockerfile),
        "sh" | "bash" | "zsh" | "ksh" | "fish" | "mk" | "make" | "bats" => Read(Language::Shell),
        "md" | "markdown" | "mdx" | "mdc" | "rst" | "txt" | "adoc" | "asciidoc" | "org"
        | "textile" => Read(Language::Text),
        "css" | "scss" | "sass" | "less" | "styl" | "pcss" => Read(Language::Css),
        "xml" | "svg" | "xsd" | "xsl" | "xslt" | "plist" | "wsdl" | "csproj" => Read(Language::Xml),
        "snap" => Read(Language::JavaScript),

        "go" => Unsupported("Go"),
        "java" => Unsupported("Java"),
        "kt" | "kts" => Unsupported("Kotlin"),
        "scala" | "sc" | "sbt" => Unsupported("Scala"),
        "groovy" | "gradle" => Unsupported("Groovy"),
        "clj" | "cljs" | "cljc" | "edn" => Unsupported("Clojure"),
        "rb" | "erb" | "rake" | "gemspec" | "ru" => Unsupported("Ruby"),
        "php" | "phtml" => Unsupported("PHP"),
        "cs" | "cshtml" | "razor" => Unsupported("C#"),
        "fs" | "fsx" => Unsupported("F#"),
        "vb" => Unsupported("Visual Basic"),
        "c" | "h" => Unsupported("C"),
        "cc" | "cpp" | "cxx" | "hpp" | "hh" | "hxx" | "inl" => Unsupported("C++"),
        "m" | "mm" => Unsupported("Objective-C"),
        "swift" => Unsupported("Swift"),
        "dart" => Unsupported("Dart"),
        "ex" | "exs" | "eex" | "heex" | "leex" => Unsupported("Elixir"),
        "erl" | "hrl" => Unsupported("Erlang"),
        "hs" | "lhs" => Unsupported("Haskell"),
        "elm" => Unsupported("Elm"),
        "ml" | "mli" => Unsupported("OCaml"),
        "lua" => Unsupported("Lua"),
        "pl" | "pm" => Unsupported("Perl"),
        "r" | "rmd" => Unsupported("R"),
        "jl" => Unsupported("Julia"),
        "zig" => Unsupported("Zig"),
        "nim" => Unsupported("Nim"),
        "cr" => Unsupported("Crystal"),
        "sol" => Unsupported("Solidity"),
        "pyx" | "pxd" => Unsupported("Cython"),
        "coffee" => Unsupported("CoffeeScript"),
        "astro" => Unsupported("Astro"),
        "ps1" | "psm1" | "psd1" => Unsupported("PowerShell"),
        "bat" | "cmd" => Unsupported("batch files"),
        "tf" | "tfvars" | "hcl" | "nomad" => Data("HCL"),
        "bicep" => Data("Bicep"),
        "nix" => Data("Nix"),
        "cmake" => Data("CMake"),
        "bzl" | "star" => Unsupported("Starlark"),
        "graphql" | "gql" | "graphqls" => Data("GraphQL schemas"),
        "prisma" => Data("Prisma schemas"),
        "proto" => Data("Protocol Buffers"),
        "thrift" => Data("Thrift"),
        "pug" | "jade" => Data("Pug templates"),
        "haml" | "slim" => Data("Haml templates"),
        "mako" => Data("Mako templates"),
        "liquid" => Data("Liquid templates"),
        "twig" => Data("Twig templates"),
        "ipynb" => Unsupported("Jupyter notebooks"),
        "rego" => Data("Rego"),
        "wat" | "asm" | "s" => Unsupported("assembly"),

        "csv" | "tsv" | "jsonl" | "ndjson" => Data("tables of data"),
        "po" | "pot" | "xlf" | "xliff" | "arb" | "strings" | "ftl" => Data("translations"),
        "log" | "out" => Data("logs"),
        "diff" | "patch" => Data("patches"),
        "bak" | "orig" | "rej" | "swp" | "tmp" | "old" => Data("leftover copies"),

        "png" | "jpg" | "jpeg" | "gif" | "bmp" | "ico" | "icns" | "webp" | "avif" | "tif"
        | "tiff" | "psd" | "heic" | "eot" | "ttf" | "otf" | "woff" | "woff2" | "mp3" | "mp4"
        | "m4a" | "ogg" | "oga" | "ogv" | "wav" | "flac" | "webm" | "avi" | "mov" | "mkv"
        | "pdf" | "doc" | "docx" | "xls" | "xlsx" | "ppt" | "pptx" | "odt" | "ods" | "odp"
        | "zip" | "gz" | "tgz" | "bz2" | "xz" | "zst" | "7z" | "rar" | "tar" | "jar" | "war"
        | "ear" | "whl" | "egg" | "deb" | "rpm" | "dmg" | "apk" | "ipa" | "exe" | "dll" | "so"
        | "dylib" | "a" | "o" | "obj" | "lib" | "class" | "pyc" | "pyo" | "pyd" | "wasm"
        | "bin" | "dat" | "db" | "sqlite" | "sqlite3" | "mdb" | "parquet" | "avro" | "orc"
        | "npy" | "npz" | "pkl" | "pickle" | "h5" | "hdf5" | "onnx" | "pt" | "pth"
        | "safetensors" | "gguf" | "mo" | "kdbx" | "p12" | "pfx" | "jks" | "keystore" | "stl"
        | "glb" | "blend" | "sketch" | "fig" | "lockb" | "node" => Binary,
        _ => Format::Unknown,
    }
}

/// `#!/usr/bin/env -S python3 -u` and its kin.
fn by_shebang(head: &[u8]) -> Format {
    let Some(line) = head.strip_prefix(b"#!").and_then(|rest| rest.split(|b| *b == b'\n').next())
    else {
        return Format::Unknown;
    };
    let line = String::from_utf8_lossy(line);
    let program = line
        .split_whitespace()
        .map(|word| word.rsplit('/').next().unwrap_or(word))
        .find(|word| *word != "env" && !word.starts_with('-') && !word.contains('='))
        .unwrap_or("");
    match program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.') {
        "python" | "pypy" | "uv" => Format::Read(Language::Python),
        "node" | "nodejs" | "bun" => Format::Read(Language::JavaScript),
        "deno" | "ts-node" | "tsx" => Format::Read(Language::TypeScript),
        "sh" | "bash" | "dash" | "zsh" | "ksh" | "ash" | "fish" | "make" | "just" => {
            Format::Read(Language::Shell)
        }
        "ruby" => Format::Unsupported("Ruby"),
        "perl" => Format::Unsupported("Perl"),
        "php" => Format::Unsupported("PHP"),
        _ => Format::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_languages() {
        for (path, language) in [
            ("a/b.py", Language::Python),
            ("types.pyi", Language::Python),
            ("a.D.TS", Language::TypeScript),
            ("App.tsx", Language::Tsx),
            ("a.jsx", Language::JavaScript),
            ("lib.rs", Language::Rust),
            ("templates/page.html.j2", Language::Html),
            ("templates/mail.jinja2", Language::Html),
            ("deploy/nginx.conf.j2", Language::Ini),
            ("App.vue", Language::Vue),
            ("compose.prod.yml", Language::Yaml),
            (".env", Language::Dotenv),
            (".env.production", Language::Dotenv),
            ("deploy/prod.env", Language::Dotenv),
            (".env.example", Language::Dotenv),
            ("docker/Dockerfile.dev", Language::Dockerfile),
            ("api.dockerfile", Language::Dockerfile),
            ("Makefile", Language::Shell),
            ("LICENSE.borders", Language::Text),
            ("src/license.ts", Language::TypeScript),
            ("requirements.txt", Language::Text),
            ("config.yaml.example", Language::Yaml),
            ("main.go", Language::Unsupported),
            ("logo.png", Language::Other),
            ("noext", Language::Other),
        ] {
            assert_eq!(of(path, None), language, "{path}");
        }
    }

    #[test]
    fn a_first_line_tells_only_where_the_name_does_not() {
        assert!(needs_head("bin/run") && needs_head(".hook"));
        assert!(!needs_head("bin/run.weird") && !needs_head("Makefile"));
        for (head, language) in [
            ("#!/bin/bash\nset -e", Language::Shell),
            ("#!/usr/bin/env python3.12\n", Language::Python),
            ("#!/usr/bin/env -S PYTHONPATH=. python -u\n", Language::Python),
            ("#! /usr/bin/env node\n", Language::JavaScript),
            ("#!/usr/bin/perl -w\n", Language::Unsupported),
            ("web: gunicorn", Language::Other),
            ("#!", Language::Other),
        ] {
            assert_eq!(of("bin/run", Some(head.as_bytes())), language, "{head}");
        }
        assert_eq!(of("a.py", Some(b"#!/bin/sh\n")), Language::Python);
    }

    #[test]
    fn formats_without_a_reader_are_named() {
        assert_eq!(format_of("a.go", None), Format::Unsupported("Go"));
        assert_eq!(format_of("a.csv", None), Format::Data("tables of data"));
        assert_eq!(format_of("a.PNG", None), Format::Binary);
        assert_eq!(format_of("a.xyz", None), Format::Unknown);
    }
}
