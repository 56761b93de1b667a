//! The smallest forms of calls behind branches that the environment or another function decides,
//! and of addresses that callers give, each with the calls that it comes to.

use super::followed::calls;

#[test]
fn what_the_environment_decides_is_both_ways_called() {
    let settings = r#"
import os
def truth(text):
    return text.lower() in ("1", "true")
BLOCK = os.environ.get("BLOCK", "true")
WEB = truth(os.environ.get("WEB", "false"))
"#;
    let user = r#"
import settings
if settings.BLOCK:
    import advocate as client
else:
    import requests as client
client.get("https://x.example.com/a")
if settings.WEB:
    client.get("https://x.example.com/b")
else:
    client.get("https://x.example.com/c")
"#;
    assert_eq!(
        calls(&[("settings.py", settings), ("user.py", user)]),
        [
            "GET https://x.example.com/a external user.py:7",
            "GET https://x.example.com/b external user.py:9",
            "GET https://x.example.com/c external user.py:11",
        ]
    );
}

#[test]
fn a_client_stands_in_for_another_that_is_not_installed() {
    let program = r#"
try:
    import safe_client as client
except ImportError:
    import requests as client
client.get("https://x.example.com/a")
"#;
    assert_eq!(calls(&[("use.py", program)]), ["GET https://x.example.com/a external use.py:6"]);
}

#[test]
fn what_another_function_changes_is_no_constant() {
    let auth = r#"
const session = { loaded: false };
export function open(data) { Object.assign(session, data, { loaded: true }); }
export const Auth = { isOpen() { return session.loaded && session.user.id; } };
export let ready = false;
export function setReady() { ready = true; }
"#;
    let page = r#"
import axios from "axios";
import { Auth, ready } from "./auth";
export const job = (id) => Auth.isOpen() ? axios.get(`/own/${id}`) : axios.get(`/public/${id}`);
export const early = () => ready ? axios.get("/ready") : axios.get("/waiting");
class Page {
  isOpen = false;
  open() { this.isOpen = true; }
  load() { if (this.isOpen) { axios.get("/open"); } else { axios.get("/closed"); } }
}
"#;
    assert_eq!(
        calls(&[("auth.js", auth), ("page.js", page)]),
        [
            "GET /own/{} missing page.js:4",
            "GET /public/{} missing page.js:4",
            "GET /ready missing page.js:5",
            "GET /waiting missing page.js:5",
            "GET /closed missing page.js:9",
            "GET /open missing page.js:9",
        ]
    );
}

#[test]
fn a_call_that_names_its_type_is_awaited_whole() {
    let program = r#"
export class About {
  constructor(requests: Requests) { this.requests = requests; }
  async load() { return await this.requests.get<Item>("/api/items"); }
}
"#;
    assert_eq!(calls(&[("about.ts", program)]), ["GET /api/items missing about.ts:4"]);
}

#[test]
fn a_placeholder_may_be_filled_with_what_nobody_knows() {
    let script = r#"
import { replace } from "lodash";
const SHARE = "/api/boards/{id}/share";
export function solves(parameters) {
  let path = "/api/teams/{team_id}/solves";
  path = path.replace("{team_id}", parameters["teamId"]);
  fetch(path);
  fetch("/api/notes/:id".replace(/:id/, parameters.id));
  fetch(replace(SHARE, "{id}", parameters.id));
}
"#;
    let module = r#"
import requests
URL = "https://x.example.com/{property}/run"
def run(property):
    requests.post(URL.replace("{property}", str(property)))
"#;
    assert_eq!(
        calls(&[("run.py", module), ("script.js", script)]),
        [
            "POST https://x.example.com/{}/run external run.py:5",
            "GET /api/teams/{}/solves missing script.js:7",
            "GET /api/notes/{} missing script.js:8",
            "GET /api/boards/{}/share missing script.js:9",
        ]
    );
}

#[test]
fn each_caller_of_a_wrapper_is_listed_whether_its_address_is_known_or_not() {
    let program = r#"
import config from "config";
const reach = async (url) => { const whole = url; await fetch(whole, { method: "POST" }); };
reach("https://x.example.com/a");
reach(config.get("address"));
class Sender { async send(input, init) { return await globalThis.fetch(input, init); } }
class Page {
  constructor(private sender: Sender) {}
  load(options) { this.sender.send(options.url, {}); }
}
class Reader {
  constructor(private sender: Sender) {}
  read(options) { return this.sent(options.url); }
  sent(url) { return this.sender.send(url, {}); }
}
export const each = (urls) => urls.map((url) => fetch(url));
"#;
    assert_eq!(
        calls(&[("reach.ts", program)]),
        [
            "POST https://x.example.com/a external reach.ts:4",
            "POST {} dynamic reach.ts:5",
            "GET {} dynamic reach.ts:9",
            "GET {} dynamic reach.ts:13",
            "GET {} dynamic reach.ts:16",
        ]
    );
}

#[test]
fn a_component_asks_for_the_address_that_it_is_given() {
    let tags = r#"
import { memo, useEffect } from "react";
import ask from "./ask";
function Tags({ url }) { useEffect(() => { ask(url); }); return <p/>; }
export default memo(Tags);
"#;
    let ask = "import axios from \"axios\";\nexport default (url) => axios.get(url);\n";
    let page = r#"
import Tags from "./tags";
export const Page = () => <div><Tags url="api/tags" /><a href="/elsewhere">x</a></div>;
"#;
    assert_eq!(
        calls(&[("ask.js", ask), ("page.jsx", page), ("tags.jsx", tags)]),
        ["GET api/tags missing page.jsx:3"]
    );
}

#[test]
fn what_hands_on_a_whole_request_says_nothing() {
    let program = r#"
import axios from "axios";
export const request = async (options) => {
  const { opts, url } = await prepared(options);
  return await axios({ ...opts, url });
};
export const rooted = async ({ path, ...rest }) => await axios({ ...rest, url: `/${path}?${rest.query}` });
"#;
    assert!(calls(&[("engine.js", program)]).is_empty());
}

#[test]
fn a_client_is_handed_out_with_other_things() {
    let program = r#"
import { useContext } from "@nuxtjs/composition-api";
import Site from "@site/client";
export function about() {
  const { $axios } = useContext();
  $axios.get("/api/about");
  $axios.$post("/api/about");
  Site.fetch("/api/shares", { method: "POST" });
  Site.fetch("shares");
}
"#;
    assert_eq!(
        calls(&[("about.js", program)]),
        [
            "GET /api/about missing about.js:6",
            "POST /api/about missing about.js:7",
            "POST /api/shares missing about.js:8",
        ]
    );
}

#[test]
fn what_stands_for_something_left_out_is_not_all_that_it_may_be() {
    let program = r#"
export function load({ id, enabled = false }) {
  return fetch(enabled ? `/api/items/${id}` : "/api/items");
}
"#;
    assert_eq!(
        calls(&[("load.js", program)]),
        ["GET /api/items missing load.js:3", "GET /api/items/{} missing load.js:3"]
    );
}

#[test]
fn a_field_that_is_set_again_under_a_condition_may_be_either() {
    let program = r#"
class Coins {
  constructor(key) {
    this.base = "https://api.example.com/3";
    if (key) { this.base = "https://pro.example.com/3"; }
  }
  list() { return fetch(`${this.base}/coins`); }
}
"#;
    assert_eq!(
        calls(&[("coins.js", program)]),
        [
            "GET https://api.example.com/3/coins external coins.js:7",
            "GET https://pro.example.com/3/coins external coins.js:7",
        ]
    );
}

#[test]
fn a_form_without_an_address_is_sent_to_its_page() {
    let page = r#"<html><body>
<form role="form" method="post"><input name="email"></form>
<form method="post" id="held"></form>
<form class="search"></form>
</body></html>"#;
    assert_eq!(
        calls(&[("templates/login.html", page)]),
        ["POST {} dynamic templates/login.html:2"]
    );
}

#[test]
fn a_wrapper_may_be_given_the_method_too() {
    let program = r#"
import requests
class Source:
    def ask(self, url, http_method="get", **options):
        return requests.request(http_method, url, **options)
class Feed(Source):
    def run(self, query):
        url = query.strip()
        return self.ask(url)
"#;
    assert_eq!(calls(&[("feed.py", program)]), ["GET {} dynamic feed.py:9"]);
}

#[test]
fn who_gives_an_object_or_a_key_gives_no_address() {
    let program = r#"
const wrap = (handler) => (req, res, next) => { Promise.resolve(handler(req, res, next)); };
export const upload = wrap(async (req, res) => { await fetch(req.body.image); });
function load(kind) { const url = get(settings, `maps.${kind}.url`); return fetch(url); }
load(options.kind);
"#;
    let python = r#"
import requests
def publish(release):
    requests.post(release["upload_url"].replace("{?x}", ""))
publish(latest())
"#;
    assert_eq!(
        calls(&[("page.js", program), ("release.py", python)]),
        ["GET {} dynamic page.js:3", "GET {} dynamic page.js:4", "POST {} dynamic release.py:4",]
    );
}
