use super::*;
use crate::source::language;

fn role(path: &str) -> Role {
    of_path(path, language::of(path, None)).0
}

#[track_caller]
fn all(expected: Role, paths: &[&str]) {
    let wrong: Vec<_> =
        paths.iter().filter(|path| role(path) != expected).map(|path| (path, role(path))).collect();
    assert!(wrong.is_empty(), "expected {expected}: {wrong:?}");
}

#[test]
fn production() {
    all(
        Role::Production,
        &[
            "app/main.py",
            "app/config.py",
            "app/core/settings.py",
            "src/config.ts",
            "config/production.py",
            "src/auth/database.config.ts",
            "src/app/app.config.ts",
            "src/bin/server.rs",
            "bin/www.js",
            "app/tools/search.py",
            "myapp/tools/search.py",
            "src/hooks/useAuth.ts",
            "hooks/useAuth.ts",
            "static/scripts/app.js",
            "app/models/sample.py",
            "app/samples/models.py",
            "lab/samples/api.py",
            "app/latest.py",
            "app/contest.py",
            "src/testimonials.ts",
            "src/attestation.rs",
            "app/vendor/models.py",
            "src/inspector/spec.ts",
            "app/fixture_list.py",
            "templates/index.html",
            "app/templates/mail.txt",
            "docker-entrypoint.sh",
            "src/coverage/claims.py",
            "build/index.ts",
            "db/schema.sql",
            "src/assets/i18n/de.json",
            "config/locales/de.yml",
            "data/static/users.yml",
            "app/dist_utils.py",
            "src/mockery.ts",
            "app/mock_data.py",
            "frontend/app/mock-orders.ts",
            "src/features/demo/page.tsx",
        ],
    );
}

#[test]
fn tests() {
    all(
        Role::Test,
        &[
            "tests/test_api.py",
            "app/tests/factories.py",
            "pkg/test_util.py",
            "pkg/util_test.py",
            "conftest.py",
            "shop/tests.py",
            "src/a.spec.ts",
            "src/a.test.tsx",
            "src/__tests__/a.js",
            "cypress/support/index.js",
            "client/cypress/integration/a_spec.js",
            "e2e/login.ts",
            "testdata/a.json",
            "src/setupTests.ts",
            "src/net/tests.rs",
            "tests/data/schema.sql",
            "integration-tests/a.py",
            "test/smoke/run.sh",
            "app/fixtures/users.json",
            "apps/web-e2e/src/a.ts",
            "spec/models/user.js",
            "benches/parse.rs",
            "saleor/tests/migrations/0001.py",
            "examples_tests/a.py",
            "jest.setup.ts",
            "locustfile.py",
        ],
    );
}

#[test]
fn the_other_roles() {
    all(
        Role::Mock,
        &["src/__mocks__/fs.js", "src/mocks/handlers.ts", "api.mock.ts", "tests/mock_server.py"],
    );
    all(
        Role::Example,
        &["examples/a.py", "demo/app.ts", "packages/x/samples/a.js", "src/Button.stories.tsx"],
    );
    all(
        Role::Script,
        &[
            "scripts/deploy.py",
            "backend/scripts/seed.ts",
            "bin/release.py",
            "tools/gen.py",
            "Makefile",
            "run.sh",
            "manage.py",
            "shop/management/commands/populate.py",
            "build.rs",
            "prisma/seed.ts",
            "infra/stack.ts",
            "hooks/post_gen_project.py",
        ],
    );
    all(
        Role::Migration,
        &[
            "app/migrations/0001_initial.py",
            "backend/app/alembic/versions/a.py",
            "db/migrate/1_a.sql",
            "prisma/migrations/1/migration.sql",
            "alembic/env.py",
            "src/migrations/1-a.ts",
        ],
    );
    all(
        Role::Docs,
        &[
            "README.md",
            "docs/conf.py",
            "docs/index.rst",
            "LICENSE",
            "src/notes.md",
            "packages/x/docs/a.js",
            "CHANGELOG.txt",
        ],
    );
    all(
        Role::Config,
        &[
            "vite.config.ts",
            "frontend/webpack.prod.js",
            "karma.conf.js",
            ".eslintrc.js",
            "setup.py",
            "compose.yml",
            "Dockerfile",
            ".env",
            ".env.example",
            ".github/workflows/ci.yml",
            ".github/scripts/a.py",
            "tsconfig.json",
            "package.json",
            "frontend/package.json",
            "requirements.txt",
            "requirements/dev.txt",
            "pyproject.toml",
            "src/jest.config.ts",
            "frontend/app.config.ts",
            "nginx/default.conf",
            "deploy/tls.pem",
            "app/config.yml",
            "Gemfile",
            "Procfile",
            "gunicorn.conf.py",
        ],
    );
    all(
        Role::Generated,
        &[
            "api/user_pb2.py",
            "src/api.generated.ts",
            "src/routeTree.gen.ts",
            "static/a.min.js",
            "dist/app.js",
            "package-lock.json",
            "uv.lock",
            "src/__snapshots__/a.snap",
            "frontend/src/generated/api.ts",
            "app.js.map",
            "tests/dist/a.js",
        ],
    );
    all(
        Role::Vendored,
        &[
            "node_modules/a/index.js",
            "vendor/a/b.py",
            "static/vendor/jquery.js",
            "third_party/a.rs",
            ".venv/lib/python3.12/site-packages/a.py",
            "pip/_vendor/a.py",
        ],
    );
}

#[test]
fn only_production_is_left_to_the_content() {
    for path in ["app/main.py", "tests/a.py", "docs/a.md", "compose.yml"] {
        let (role, certain) = of_path(path, language::of(path, None));
        assert_eq!(certain, role != Role::Production, "{path}");
    }
}

#[test]
fn folders_that_need_no_look_inside() {
    assert_eq!(of_folder("client/node_modules"), Some(Role::Vendored));
    assert_eq!(of_folder("client/dist"), Some(Role::Generated));
    assert_eq!(of_folder("app/vendor"), None);
    assert_eq!(of_folder("src/distribution"), None);
}
