//! The awkward forms of each framework, each with the table that it comes to.

mod python;
mod reach;

use std::collections::{BTreeMap, BTreeSet};

use crate::inventory;
use crate::inventory::routes::AuthState;
use crate::limits::{Limits, PARSE_STACK};
use crate::module::{Module, lower};
use crate::source::language;

/// A module, parsed with the stack of a scanner's thread.
pub(in crate::inventory) fn lowered(path: &str, text: &str) -> Module {
    let language = language::of(path, None);
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .stack_size(PARSE_STACK)
            .spawn_scoped(scope, || lower::lower(language, text, &Limits::default()).unwrap())
            .unwrap()
            .join()
            .unwrap()
    })
}

fn linked(files: &[(&str, &str)]) -> inventory::Inventories {
    let facts: BTreeMap<_, _> = files
        .iter()
        .map(|(path, text)| {
            let need = crate::inventory::Need { routes: true, ..Default::default() };
            ((*path).to_owned(), (need, crate::facts::of(lowered(path, text))))
        })
        .collect();
    let known: BTreeSet<String> = facts.keys().cloned().collect();
    inventory::link(facts, &known, false, |_| Ok::<_, ()>(BTreeMap::new()), |_| Vec::new()).unwrap()
}

/// The routes of a program given as (path, text), as `GET /path handler file:line` with marks for
/// what is unmounted, conditional or unresolved.
fn routes(files: &[(&str, &str)]) -> String {
    let linked = linked(files);
    assert!(linked.notes.is_empty(), "{:?}", linked.notes);
    let mut out = String::new();
    for route in linked.routes {
        let methods =
            if route.methods.is_empty() { "ANY".to_owned() } else { route.methods.join(",") };
        let handler = route.handler.as_deref().unwrap_or("-");
        out += &format!("{methods} {} {handler} {}:{}", route.path, route.file, route.line);
        for (mark, set) in [
            ("unmounted", !route.mounted),
            ("not loaded", route.mounted && !route.reachable),
            ("conditional", route.conditional),
            ("unresolved", !route.resolved),
        ] {
            if set {
                out += &format!(" [{mark}]");
            }
        }
        for other in route.otherwise {
            out += &format!(" [otherwise {other}]");
        }
        out.push('\n');
    }
    out
}

/// Compares without regard to order: each line is a route.
fn assert_routes(files: &[(&str, &str)], expected: &str) {
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines.join("\n")
    };
    let found = routes(files);
    assert_eq!(sorted(&found), sorted(expected), "found:\n{found}");
}

#[test]
fn flask_blueprints_nest_and_take_prefixes_from_both_sides() {
    assert_routes(
        &[
            (
                "shop/__init__.py",
                r#"
from flask import Flask
from .views import admin, register_all

def create_app():
    app = Flask(__name__)
    register_all(app)
    app.register_blueprint(admin.bp, url_prefix="/office")
    for name in ["a", "b"]:
        app.add_url_rule(f"/{name}/<int:id>", name, admin.show, methods=["GET", "POST"])
    return app
"#,
            ),
            (
                "shop/views/__init__.py",
                "from . import orders\n\ndef register_all(app):\n    orders.init(app)\n",
            ),
            (
                "shop/views/orders.py",
                r#"
from flask import Blueprint
from flask.views import MethodView

parent = Blueprint("parent", __name__, url_prefix="/api")
child = Blueprint("child", __name__, url_prefix="/orders")

@child.route("/")
@child.route("/all", methods=["GET", "DELETE"])
def listing():
    return []

@child.post("/<path:rest>")
def create(rest):
    return rest

class Item(MethodView):
    def get(self, id):
        return id
    def put(self, id):
        return id

child.add_url_rule("/<int:id>", view_func=Item.as_view("item"))

def init(app):
    parent.register_blueprint(child)
    app.register_blueprint(parent)
"#,
            ),
            (
                "shop/views/admin.py",
                r#"
import flask as f
bp = f.Blueprint("admin", __name__, url_prefix="/never-used")
lost = f.Blueprint("lost", __name__, url_prefix="/lost")

@bp.route("/")
def show():
    return "x"

@lost.get("/x")
def nowhere():
    return "x"
"#,
            ),
        ],
        "\
GET /api/orders/ shop.views.orders.listing shop/views/orders.py:10
GET /api/orders/{id} shop.views.orders.Item.get shop/views/orders.py:18
PUT /api/orders/{id} shop.views.orders.Item.put shop/views/orders.py:20
DELETE,GET /api/orders/all shop.views.orders.listing shop/views/orders.py:10
POST /api/orders/{rest*} shop.views.orders.create shop/views/orders.py:14
GET,POST /a/{id} shop.views.admin.show shop/views/admin.py:7
GET,POST /b/{id} shop.views.admin.show shop/views/admin.py:7
GET /lost/x shop.views.admin.nowhere shop/views/admin.py:11 [unmounted]
GET /office/ shop.views.admin.show shop/views/admin.py:7",
    );
}

#[test]
fn flask_restful_resources_go_through_a_subclass_of_the_api() {
    assert_routes(
        &[(
            "app/api.py",
            r#"
from flask_restful import Api, Resource
from flask import Flask

def scoped(url):
    if MULTI:
        return "/<org>" + url
    return url

class ApiExt(Api):
    def add_org_resource(self, resource, *urls, **kwargs):
        urls = [scoped(url) for url in urls]
        return self.add_resource(resource, *urls, **kwargs)

MULTI = False
api = ApiExt()

class Base(Resource):
    def get(self):
        return 1

class Users(Base):
    def post(self):
        return 2

api.add_org_resource(Users, "/users", "/people", endpoint="users")

def init_app(app):
    api.init_app(app)

app = Flask(__name__)
init_app(app)
"#,
        )],
        "\
GET /people api.Users.get app/api.py:19
GET /users api.Users.get app/api.py:19
POST /people api.Users.post app/api.py:23
POST /users api.Users.post app/api.py:23",
    );
}

#[test]
fn fastapi_prefixes_come_from_settings_and_routers_under_other_names() {
    assert_routes(
        &[
            (
                "backend/app/core/config.py",
                r#"
from pydantic import Field
from pydantic_settings import BaseSettings

class Settings(BaseSettings):
    API: str = Field(default="/api/v1")
    ADMIN: str = "/admin"
    ENV: str | None = None

settings = Settings()
"#,
            ),
            (
                "backend/app/main.py",
                r#"
from fastapi import FastAPI
from app.core.config import settings
from app.routes import router as everything, extra

app = FastAPI()
app.include_router(everything, prefix=settings.API)
if settings.ENV == "dev":
    app.include_router(extra, prefix=settings.ADMIN)
sub = FastAPI()
app.mount("/sub", sub)

@sub.websocket("/live/{room}")
async def live(room): ...

@app.api_route("/any", methods=["GET", "HEAD"])
def anything():
    return 1
"#,
            ),
            ("backend/app/__init__.py", ""),
            ("backend/app/core/__init__.py", ""),
            (
                "backend/app/routes/__init__.py",
                "from fastapi import APIRouter\nfrom . import users\nfrom .users import admin as extra\n\nrouter = APIRouter()\nrouter.include_router(users.router)\n",
            ),
            ("backend/app/routes.py", "router = None\n"),
            (
                "backend/app/routes/users.py",
                r#"
from fastapi import APIRouter
router = APIRouter(prefix="/users")
admin = APIRouter()

@router.get("/{id:path}")
def read(id): return id

@router.post("")
def create(): return 1

@admin.delete("/all")
def wipe(): return 1

async def added(): return 1
router.add_api_route("/added", added, methods=["PUT"])
"#,
            ),
        ],
        "\
GET /api/v1/users/{id*} app.routes.users.read backend/app/routes/users.py:7
POST /api/v1/users app.routes.users.create backend/app/routes/users.py:10
PUT /api/v1/users/added app.routes.users.added backend/app/routes/users.py:15
DELETE /admin/all app.routes.users.wipe backend/app/routes/users.py:13 [conditional]
WS /sub/live/{room} app.main.live backend/app/main.py:14
GET,HEAD /any app.main.anything backend/app/main.py:17",
    );
}

#[test]
fn express_routers_are_mounted_across_files_in_loops_and_classes() {
    assert_routes(
        &[
            (
                "src/server.ts",
                r#"
import express, { Application } from "express"
import routes from "./routes"
import * as admin from "./admin.js"

class Server {
  private app: Application = express()
  constructor(private prefix: string) { this.mount() }
  mount() {
    this.app.use(`${this.prefix}/v1`, routes)
    for (const [name, router] of Object.entries(admin.routers)) {
      this.app.use("/" + name, router)
    }
    ["/a", "/b"].forEach((path) => this.app.get(path, (req, res) => res.end()))
    this.app.route("/chain/:id").get(show).post(show)
    this.app.all(["/x", "/y"], show)
    this.app.get("view engine")
  }
}
function show(req, res) { res.end() }
new Server("/api")
"#,
            ),
            (
                "src/routes/index.ts",
                r#"
import { Router } from "express"
const users = require("./users")
const router = Router()
router.use("/users", guard, users)
export default router
"#,
            ),
            (
                "src/routes/users.js",
                r#"
const { Router } = require("express")
const router = Router()
router.get("/:id(\\d+)", (req, res) => res.json({}))
router.use("/:id/notes", require("./notes")(Router()))
module.exports = router
"#,
            ),
            (
                "src/routes/notes.js",
                "module.exports = (router) => {\n  router.delete('/*', drop)\n  return router\n}\nfunction drop() {}\n",
            ),
            (
                "src/admin.ts",
                "import { Router } from 'express'\nconst office = Router().post('/shut', () => {})\nexport const routers = { office }\n",
            ),
        ],
        "\
GET /api/v1/users/{id} - src/routes/users.js:4
DELETE /api/v1/users/{id}/notes/{*} drop src/routes/notes.js:2
POST /office/shut - src/admin.ts:2
GET /a - src/server.ts:14
GET /b - src/server.ts:14
GET /chain/{id} show src/server.ts:15
POST /chain/{id} show src/server.ts:15
ANY /x show src/server.ts:16
ANY /y show src/server.ts:16",
    );
}

#[test]
fn constructors_make_objects_of_their_prototypes() {
    assert_routes(
        &[(
            "app.js",
            r#"
const express = require("express")
const util = require("util")
const app = express()

function Base(prefix) {
  if (!(this instanceof Base)) return new Base(prefix)
  this.prefix = prefix
}
Base.prototype.add = function (name) { this.router.get(this.prefix + name, this.show.bind(this)) }
Base.prototype.show = function show(req, res) { res.json(this.prefix) }

function Ships(prefix) {
  Base.call(this, prefix)
  this.router = express.Router()
  this.add("/ships")
}
util.inherits(Ships, Base)

function Crews() { this.router = express.Router(); this.mount("/crews") }
Crews.prototype = { constructor: Crews, mount(path) { this.router.put(path, (req, res) => res.end()) } }

app.use("/v1", new Ships("/all").router)
app.use(new Crews().router)
const paths = new Map([["a", "/a"], ["b", "/b"]])
app.use([...paths].reduce((made, [, path]) => made.head(path, (req, res) => res.end()), express.Router()))
for (const [name, path] of paths) app.patch("/" + name + path, (req, res) => res.end())
app.use(Base("/x").router || "")
"#,
        )],
        "\
GET /v1/all/ships show app.js:10
PUT /crews - app.js:21
HEAD /a - app.js:26
HEAD /b - app.js:26
PATCH /a/a - app.js:27
PATCH /b/b - app.js:27",
    );
}

#[test]
fn what_cannot_be_resolved_is_kept_with_a_hole() {
    assert_routes(
        &[(
            "app.py",
            r#"
import os
from flask import Flask
app = Flask(__name__)
app.add_url_rule("/" + os.environ["PREFIX"] + "/x", view_func=print, methods=METHODS)

@app.route(os.getenv("HOME_PATH", "/home"))
def home():
    return 1
"#,
        )],
        "\
ANY /{}/x - app.py:5 [unresolved]
GET /home app.home app.py:8",
    );
}

#[test]
fn a_loop_that_is_followed_only_in_part_is_said() {
    let paths: Vec<String> = (0..2_001).map(|at| format!("\"/{at}\"")).collect();
    let text = format!(
        "from flask import Flask\napp = Flask(__name__)\nfor path in [{}]:\n    app.add_url_rule(path)\n",
        paths.join(", ")
    );
    let linked = linked(&[("app.py", &text)]);
    assert_eq!(linked.routes.len(), 2_000);
    assert_eq!(linked.notes.len(), 1, "{:?}", linked.notes);
}

/// What an anonymous caller meets on each route, by path.
fn states(files: &[(&str, &str)]) -> BTreeMap<String, super::AuthState> {
    linked(files).routes.into_iter().map(|route| (route.path, route.auth.state)).collect()
}

#[test]
fn a_guard_finds_what_an_earlier_one_has_put_on_the_request() {
    let states = states(&[(
        "app.js",
        r#"
import fastify from 'fastify'

const app = fastify()
const denied = () => Object.assign(new Error('who?'), { statusCode: 401 })
app.addHook('preHandler', async (request) => {
  if (!request.headers.authorization && request.routeOptions.config.guests) {
    request.user = { role: 'guest' }
    return
  }
  await request.jwtVerify()
})
app.addHook('preHandler', async (request) => {
  if (!request.user) throw denied()
})
app.get('/open', { config: { guests: true } }, async () => ({ ok: true }))
app.get('/closed', async () => ({ ok: true }))
app.get('/own', { config: { guests: true } }, async (request) => {
  if (request.user.role === 'guest') throw denied()
  return { ok: true }
})
app.listen({ port: 3000 })
"#,
    )]);
    let state = |path: &str| states[path];
    assert_eq!(state("/open"), super::AuthState::Optional);
    assert_eq!(state("/closed"), super::AuthState::Required);
    assert_ne!(state("/own"), super::AuthState::None);
}

#[test]
fn handlers_meet_the_objects_that_layers_surely_leave() {
    let states = states(&[(
        "app.js",
        r#"
const express = require('express')
const { Client } = require('pg')

const app = express()
const client = new Client()
class Store {
  constructor(req) { this.req = req }
  open() { if (!this.req.headers.authorization) throw Object.assign(new Error('who?'), { status: 401 }) }
}
function store(req, res, next) { req.store = new Store(req); next() }
async function known(req, res, next) {
  const session = await client.query('select', [req.cookies.sid])
  if (session) req.user = { id: session.id }
  next()
}
app.get('/store', store, (req, res) => { req.store.open(); res.json(1) })
app.get('/known', known, (req, res) => { if (!req.user) return res.status(401).end(); res.json(2) })
app.listen(1)
"#,
    )]);
    assert_eq!(states["/store"], super::AuthState::Required);
    assert_eq!(states["/known"], super::AuthState::Required);
}

#[test]
fn what_a_plugin_does_to_its_own_instance_is_as_sure_as_the_plugin() {
    let states = states(&[(
        "app.js",
        r#"
import fastify from 'fastify'
import { jwtVerify } from 'jose'

const app = fastify()
const keyOf = async (header) => process.env.KEY
app.register(async (app) => {
  if (!load('feature')) return
  app.register(async (app) => {
    app.addHook('preHandler', async (request) => {
      await jwtVerify((request.headers.authorization || '').replace('Bearer ', ''), keyOf, {})
    })
    app.get('/behind', async () => ({ ok: true }))
  })
  app.register(async (app) => {
    if (load('strict')) app.addHook('preHandler', async (request) => request.jwtVerify())
    app.get('/perhaps', async () => ({ ok: true }))
  })
})
app.listen({ port: 3000 })
"#,
    )]);
    assert_eq!(states["/behind"], super::AuthState::Required);
    assert_eq!(states["/perhaps"], super::AuthState::Unknown);
}

#[test]
fn macros_hand_items_on_and_mount_lists() {
    let manifest = "[package]\nname = \"x\"\n[dependencies]\nrocket = \"0.5\"\n";
    let states = states(&[
        ("Cargo.toml", manifest),
        (
            "src/main.rs",
            r#"
use rocket::request::{FromRequest, Outcome, Request};
use rocket::http::Status;

macro_rules! derived {
    ( $item:item, $name:expr ) => { #[derive(Debug)] $item };
}

derived!(
    pub struct User { pub id: String },
    "PartialUser"
);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for User {
    type Error = ();
    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        match request.headers().get_one("authorization") {
            Some(id) => Outcome::Success(User { id: id.to_owned() }),
            None => Outcome::Error((Status::Unauthorized, ())),
        }
    }
}

#[get("/@me")]
async fn me(user: User) -> String { user.id }
#[get("/")]
async fn root() -> &'static str { "x" }

#[launch]
fn rocket() -> _ {
    let settings = OpenApiSettings::default();
    let mut rocket = rocket::build();
    mount_endpoints_and_merged_docs! {
        rocket, "/api".to_owned(), settings,
        "/users" => users(),
        "" => openapi_get_routes_spec![root]
    };
    rocket
}
fn users() -> (Vec<Route>, OpenApi) { openapi_get_routes_spec![me] }
"#,
        ),
    ]);
    assert_eq!(states["/api"], super::AuthState::None);
    assert_eq!(states["/api/users/@me"], super::AuthState::Required);
}

#[test]
fn what_is_not_run_again_gives_each_its_own() {
    let mut text = String::from(
        "import express from 'express'\n\
         const empty = () => { const out = []; for (const x of [1, 2, 3, 4, 5, 6]) { x + 1 } return out }\n\
         class Box { constructor() { this.items = empty(); this.path = '/boxed' } }\n",
    );
    let mut expected = String::new();
    for name in ["a", "b", "c", "d", "e"] {
        text += &format!(
            "export function {name}() {{ const r = express.Router(); const box = new Box(); \
             box.items.push('/{name}'); for (const p of box.items) r.get(box.path + p, {name}_); return r }}\n\
             function {name}_(request, response) {{ response.send('') }}\n"
        );
        let line = text.lines().count() - 1;
        expected += &format!("GET /boxed/{name} {name}_ app.js:{line} [unmounted]\n");
    }
    assert_routes(&[("app.js", &text)], &expected);
}

#[test]
fn modules_of_python_run_after_their_packages() {
    // `orders` and `site` import each other; beginning at the package, each finds what it needs.
    assert_routes(
        &[
            (
                "app.py",
                "\
from flask import Flask
from shop.orders import PAGE
from shop.site import site

app = Flask(__name__)
app.register_blueprint(site)
",
            ),
            ("shop/__init__.py", "from . import site\n"),
            ("shop/orders.py", "from .site import PREFIX\n\nPAGE = '/orders'\n"),
            (
                "shop/site.py",
                "\
from flask import Blueprint

PREFIX = '/shop'

from .orders import PAGE

site = Blueprint('site', __name__, url_prefix=PREFIX + PAGE)


@site.route('/all')
def listed():
    return []
",
            ),
        ],
        "GET /shop/orders/all shop.site.listed shop/site.py:11\n",
    );
}

#[test]
fn names_of_routed_methods_may_be_a_text_where_a_set_was_meant() {
    assert_routes(
        &[(
            "app.py",
            "\
from flask import Flask
from flask_appbuilder import AppBuilder, ModelView, expose, has_access

app = Flask(__name__)
builder = AppBuilder(app)


class Notes(ModelView):
    include_route_methods = 'list'

    @expose('/list/')
    @has_access
    def list(self):
        return ''

    @expose('/search')
    def search(self):
        return ''


builder.add_view(Notes, 'Notes')
",
        )],
        "GET /notes/list/ app.Notes.list app.py:13\n",
    );
}

#[test]
fn a_class_that_is_made_under_a_condition_has_its_decorators() {
    assert_routes(
        &[(
            "app.ts",
            r"
import {get, RestApplication} from '@loopback/rest';
const app = new RestApplication();
function make() {
  class Stars {
    @get('/stars')
    list() { return 1; }
  }
  return Stars;
}
if (process.argv[2]) {
  app.controller(make());
}
",
        )],
        "GET /stars make.Stars.list app.ts:7 [conditional]",
    );
}

#[test]
fn whoever_starts_a_script_fulfils_the_condition_of_being_started() {
    let of = |condition: &str| {
        let text = format!(
            "const app = require('express')();\nif ({condition}) {{\n  app.get('/x', show);\n}}\n"
        );
        routes(&[("app.js", &text)])
    };
    assert_eq!(of("require.main === module"), "GET /x - app.js:3\n");
    assert_eq!(of("import.meta.main"), "GET /x - app.js:3\n");
    assert_eq!(of("require.main === other"), "GET /x - app.js:3 [conditional]\n");
}

#[test]
fn a_method_is_no_name_where_its_class_is_made() {
    assert_routes(
        &[(
            "app.ts",
            r"
import {get, put, RestApplication} from '@loopback/rest';
class Stars {
  @get('/stars')
  get() { return 1; }
  @put('/stars')
  put() { return 1; }
}
new RestApplication().controller(Stars);
",
        )],
        "GET /stars Stars.get app.ts:5\nPUT /stars Stars.put app.ts:7",
    );
}

#[test]
fn a_class_and_its_instances_may_have_members_of_one_name() {
    assert_routes(
        &[(
            "server.js",
            r#"
import express from 'express';

class Server {
  constructor(options) { this.options = options; }

  get app() {
    return Server.app(this.options);
  }

  static app(options) {
    const api = express();
    api.get('/health', (req, res) => res.json({}));
    return api;
  }

  async start() {
    const app = express();
    app.use('/api', this.app);
    app.listen(1);
  }

  static async start(options) {
    return new Server(options).start();
  }
}

Server.start({});
"#,
        )],
        "GET /api/health - server.js:13
",
    );
}

#[test]
fn a_method_of_a_script_is_not_called_on_what_it_is_given() {
    let files = [
        ("package.json", r#"{"dependencies": {"@adonisjs/core": "6"}}"#),
        (
            "start/routes.ts",
            "import router from '@adonisjs/core/services/router'
import CodesController from '../app/codes_controller.js'
router.post('/codes', [CodesController, 'check'])
",
        ),
        (
            "app/codes_controller.ts",
            "import CodeService from 'codes'
export default class CodesController {
  constructor(private codes: CodeService) {}
  async check({ request }) {
    return await this.codes.verify(request.input('code'))
  }
}
",
        ),
    ];
    let states: Vec<_> =
        linked(&files).routes.iter().map(|route| (route.path.clone(), route.auth.state)).collect();
    assert_eq!(states, [("/codes".to_owned(), AuthState::None)]);
}

#[test]
fn what_one_object_has_made_is_mounted_by_a_method_of_it_that_nothing_calls() {
    let api = "const express = require('express')
class Api {
  constructor(server) { this.router = express(); this.init() }
  init() { this.router.get('/items', (req, res) => res.json(load(req))) }
}
module.exports = Api
";
    let server = "const express = require('express')
const Api = require('./api')
class Server {
  constructor() { this.api = new Api(this) }
  async start() {
    const app = express()
    app.use('/api', this.api.router)
    app.listen(1)
  }
}
module.exports = Server
";
    // Who makes the server holds nothing of a framework, and is not read.
    insta::assert_snapshot!(
        routes(&[("api.js", api), ("server.js", server)]),
        @"GET /api/items - api.js:4"
    );
}
