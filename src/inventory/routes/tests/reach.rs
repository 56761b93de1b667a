//! Modules that nobody loads, and what they register.

use super::assert_routes;
use crate::inventory::routes::naming::{Hit, Search, rest};
use crate::inventory::routes::reach::Unloaded;
use crate::source::Role;

const APP: &str = "
from flask import Flask
app = Flask(__name__)
from shop import orders
";

const ORDERS: &str = "
from shop.app import app

@app.get('/orders')
def orders():
    return []
";

const FORGOTTEN: &str = "
from shop.app import app

@app.get('/forgotten')
def forgotten():
    return []
";

#[test]
fn what_a_module_registers_that_nobody_imports_is_not_there() {
    assert_routes(
        &[
            ("shop/__init__.py", ""),
            ("shop/app.py", APP),
            ("shop/forgotten.py", FORGOTTEN),
            ("shop/orders.py", ORDERS),
        ],
        "GET /forgotten shop.forgotten.forgotten shop/forgotten.py:5 [not loaded]
GET /orders shop.orders.orders shop/orders.py:5
",
    );
}

#[test]
fn a_package_that_nobody_imports_registers_nothing_though_it_imports_itself() {
    assert_routes(
        &[
            (
                "api/main.py",
                "
from fastapi import FastAPI
from api.routers import router
app = FastAPI()
app.include_router(router)
",
            ),
            ("api/old/__init__.py", "from api.old import views\n"),
            (
                "api/old/views.py",
                "
import api.old
from api.routers import router

@router.get('/old')
def old():
    return []
",
            ),
            (
                "api/routers.py",
                "
from fastapi import APIRouter
router = APIRouter(prefix='/v1')

@router.get('/new')
def new():
    return []
",
            ),
        ],
        "GET /v1/new routers.new api/routers.py:6
GET /v1/old old.views.old api/old/views.py:6 [not loaded]
",
    );
}

#[test]
fn a_guard_in_a_module_that_nobody_imports_stands_before_nothing() {
    let linked = super::linked(&[
        ("shop/__init__.py", ""),
        ("shop/app.py", APP),
        ("shop/orders.py", ORDERS),
        (
            "shop/walls.py",
            "
from flask import abort
from shop.app import app

@app.before_request
def wall():
    abort(401)

@app.get('/forgotten')
def forgotten():
    return []
",
        ),
    ]);
    let states: Vec<_> = linked
        .routes
        .iter()
        .map(|route| (route.path.as_str(), route.auth.state.as_str()))
        .collect();
    assert_eq!(states, [("/forgotten", "none"), ("/orders", "none")]);
}

#[test]
fn what_may_be_loaded_is_not_said_to_be_lost() {
    // Each of these may load `shop/forgotten.py`, or shows that it is started itself.
    let others = [
        ("shop/more.py", "import importlib\nimportlib.import_module('shop.' + name)\n"),
        ("shop/more.py", "import importlib\nimportlib.import_module(name)\n"),
        ("shop/more.py", "MODULES = ['shop.forgotten']\n"),
        ("shop/more.py", "from elsewhere.shop import forgotten\n"),
        ("shop/more.py", "def later():\n    from . import forgotten\n"),
        ("wsgi.py", "from shop.app import app\nimport shop.forgotten\n"),
        ("begin.py", "import shop.forgotten\n"),
    ];
    for (path, text) in others {
        let imports = if path == "shop/more.py" { "from shop import more\n" } else { "" };
        let linked = super::linked(&[
            ("shop/__init__.py", ""),
            ("shop/app.py", &format!("{APP}{imports}")),
            ("shop/forgotten.py", FORGOTTEN),
            ("shop/orders.py", ORDERS),
            (path, text),
        ]);
        assert!(linked.routes.iter().all(|route| route.reachable), "{path}: {text}");
    }
    for own in ["if __name__ == '__main__':\n    app.run()\n", "application = app\n", "app.run()\n"]
    {
        let linked = super::linked(&[
            ("shop/__init__.py", ""),
            ("shop/app.py", APP),
            ("shop/forgotten.py", &format!("{FORGOTTEN}\n{own}")),
            ("shop/orders.py", ORDERS),
        ]);
        assert!(linked.routes.iter().all(|route| route.reachable), "{own}");
    }
}

#[test]
fn a_script_that_nobody_requires_registers_nothing() {
    let app = "const app = require('express')();\nmodule.exports = app;\n";
    let server = "const app = require('./app');\nrequire('./routes/orders');\napp.listen(1);\n";
    let routes = |path: &str| {
        format!("const app = require('../app');\napp.get('/{path}', (req, res) => res.json([]));\n")
    };
    assert_routes(
        &[
            ("src/app.js", app),
            ("src/routes/forgotten.js", &routes("forgotten")),
            ("src/routes/orders.js", &routes("orders")),
            ("src/server.js", server),
        ],
        "GET /forgotten - src/routes/forgotten.js:2 [not loaded]
GET /orders - src/routes/orders.js:2
",
    );
    let loads =
        "const app = require('./app');\nfor (const name of read()) require(`./routes/${name}`);\n";
    let linked = super::linked(&[
        ("src/app.js", app),
        ("src/routes/forgotten.js", &routes("forgotten")),
        ("src/server.js", loads),
    ]);
    assert!(linked.routes.iter().all(|route| route.reachable));
}

#[test]
fn files_outside_the_program_may_name_a_module() {
    let unloaded: Unloaded = [
        ("shop/deep/forgotten.py".to_owned(), ["shop/deep/helper.py".to_owned()].into()),
        ("shop/deep/helper.py".to_owned(), [].into()),
        ("shop/deep/lost.py".to_owned(), [].into()),
    ]
    .into();
    let search = Search::of(&unloaded).unwrap();
    let judged = |path: &str, role: Role, text: &str| {
        let patterns = search.patterns.matches(text).into_iter().collect();
        let hits = [Hit { path: path.to_owned(), role, patterns }];
        search.judge(&hits, |_| false).map(|found| (found.loaded, found.unread))
    };
    let loaded = |path: &str, role: Role, text: &str| judged(path, role, text).unwrap().0.len();
    for (path, text) in [
        ("Procfile", "web: gunicorn shop.deep.forgotten:app"),
        ("deploy.yml", "command: python shop/deep/forgotten.py"),
        ("run.sh", "cd shop/deep && flask --app forgotten run"),
        ("pyproject.toml", "serve = 'deep.forgotten:main'"),
    ] {
        assert_eq!(loaded(path, Role::Config, text), 1, "{path}");
    }
    assert_eq!(loaded("README.md", Role::Docs, "the module deep/forgotten.py is old"), 0);
    assert_eq!(loaded("README.md", Role::Docs, "run `python -m shop.deep.forgotten`"), 1);
    assert_eq!(loaded("notes.yml", Role::Config, "forgotten: true"), 0);
    // Code is read to know, and code that loads what it does not name leaves nothing sure.
    let (_, unread) = judged("tool.py", Role::Script, "from . import forgotten").unwrap();
    assert_eq!(unread.len(), 1);
    assert!(judged("tool.py", Role::Script, "importlib.import_module(name)").is_none());
    assert!(judged("tool.py", Role::Script, "from a import (b)").is_some());
    assert!(judged("tool.js", Role::Script, "require(name)").unwrap_or_default().0.is_empty());
    // What a loaded module loads is loaded, too.
    let left = rest(&unloaded, &["shop/deep/forgotten.py".to_owned()].into());
    assert_eq!(left, ["shop/deep/lost.py".to_owned()].into());
}
