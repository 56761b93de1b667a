//! The awkward forms of calls, each with where it lands.

use super::{Call, linked};
use crate::source::Role;

/// The calls of a program given as (path, text), as `GET /path status file:line`. Other files of
/// the tree are known by their names alone.
fn calls(files: &[(&str, &str)], others: &[&str]) -> String {
    let linked = linked(files, others);
    let line = |call: &Call| {
        let role = if call.role == Role::Production { "" } else { call.role.as_str() };
        let (method, url, status, file) = (&call.method, &call.url, call.status, &call.file);
        format!("{method} {url} {status} {file}:{} {role}", call.line).trim_end().to_owned() + "\n"
    };
    linked.iter().map(line).collect()
}

/// A server that the pages call.
const SERVER: (&str, &str) = (
    "server.js",
    "import express from \"express\"; const app = express();
app.get(\"/api/orders\", (q, r) => r.json(list()));
app.post(\"/api/orders.add\", (q, r) => r.json(add(q.body)));
app.get(\"/s/:share\", (q, r) => r.json(find(q)));
app.listen(1);\n",
);

#[test]
fn what_a_library_makes_of_a_function_calls_it() {
    let client = "import retry from \"fetch-retry\"; import { debounce } from \"some-lib\";
class Client {
  constructor(options = {}) { this.base = options.base || \"/api\"; }
  send(path, method, options = {}) {
    const fresh = (input, init) => fetch(input, init);
    const url = path.match(/^http/) ? path : (options.base ?? this.base) + path;
    return (options.retry === false ? fresh : retry(fresh))(url, { method });
  }
  post = (path, options) => this.send(path, \"POST\", options);
  get = debounce((path, options) => this.send(path, \"GET\", options), 10);
}
export const client = new Client();
export const again = retry(fetch);\n";
    let mut pages = String::from("import { client, again } from \"./client\";\n");
    // However often the function within is made anew.
    for _ in 0..80 {
        pages += "client.post(\"/orders.add\");\n";
    }
    pages += "client.get(test ? \"/orders\" : `/orders?${x}`);\nagain(\"/api/orders\");\n";
    let files = [SERVER, ("client.js", client), ("pages.js", pages.as_str())];
    let found = calls(&files, &[]);
    let expected: String = (2..82)
        .map(|line| format!("POST /api/orders.add matched pages.js:{line}\n"))
        .chain(["GET /api/orders matched pages.js:82\n".to_owned()])
        .chain(["GET /api/orders matched pages.js:83\n".to_owned()])
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn of_several_addresses_each_is_asked_about() {
    let page = "function send(path) {
  if (path.startsWith(\"http\")) { return fetch(path); }
  return fetch(/^api/.test(path) ? path : \"/api\" + path);
}
send(test ? \"/orders\" : \"/orders.add\");\n";
    insta::assert_snapshot!(calls(&[SERVER, ("page.js", page)], &[]), @r"
    GET /api/orders matched page.js:5
    GET /api/orders.add method-mismatch page.js:5
    ");
}

#[test]
fn a_prefix_of_a_route_is_no_sign_of_a_call() {
    let page = "fetch(`${window.HOST}/frames`);\nfetch(`${window.API}/orders`);\nfetch(\"\");\n";
    insta::assert_snapshot!(calls(&[SERVER, ("page.js", page)], &[]), @r"
    GET {}/frames dynamic page.js:1
    GET {}/orders matched page.js:2
    GET  dynamic page.js:3
    ");
}

#[test]
fn files_that_are_served_may_be_one_of_several() {
    let page = "fetch(`/texts/${test ? \"en\" : language}.json`);\nfetch(`/texts/${language}.xml`);
fetch(\"data:text/plain,a\");\nkept.fetch(`orders:${id}`);\n";
    insta::assert_snapshot!(calls(&[SERVER, ("page.js", page)], &["public/texts/en.json"]), @r"
    GET /texts/{}.json asset page.js:1
    GET /texts/{}.xml missing page.js:2
    ");
}

#[test]
fn templates_name_routes() {
    let server = "from django.urls import path\nfrom . import views
urlpatterns = [path(\"orders/<int:id>/\", views.order, name=\"order\")]\n";
    let views = "from django.http import JsonResponse
def order(request, id):\n    return JsonResponse(find(id))\n";
    let page = "<form method=\"post\" action=\"{% url 'order' 3 %}\"></form>
<form method=\"post\" action=\"\"></form>\n";
    let files = [
        ("shop/urls.py", server),
        ("shop/views.py", views),
        ("shop/__init__.py", ""),
        ("shop/templates/order.html", page),
    ];
    insta::assert_snapshot!(calls(&files, &[]), @r"
    POST /orders/3/ matched shop/templates/order.html:1
    POST  dynamic shop/templates/order.html:2
    ");
}

#[test]
fn tests_call_by_clients_of_their_own() {
    let of_script = "import request from \"supertest\"; import { build } from \"../server\";
test(\"lists\", async () => {
  await request(build()).get(\"/api/orders\").expect(200);
  const app = await build();
  await app.inject({ method: \"POST\", url: \"/api/orders.add\" });
  cache.get(\"orders\");
});\n";
    let of_python = "from fastapi.testclient import TestClient
from httpx import AsyncClient
from django.test import TestCase
from django.urls import reverse
from shop import app
client = TestClient(app)
def test_list():
    client.get(\"/api/orders\")
async def test_add():
    async with AsyncClient(app=app, base_url=\"http://test\") as it:
        await it.post(\"/api/orders.add\")
def test_fixture(client):
    client.get(f\"/s/{token}\")
def test_flask():
    with app.test_client() as it:
        it.get(\"/api/orders\")
class OrderTest(TestCase):
    def test_list(self):
        self.client.get(\"/api/orders\")
    def test_name(self):
        self.client.get(reverse(\"orders\"))\n";
    let page = "fetch(\"/api/orders\");\n";
    let files =
        [SERVER, ("page.js", page), ("tests/a.test.js", of_script), ("tests/test_b.py", of_python)];
    insta::assert_snapshot!(calls(&files, &[]), @r"
    GET /api/orders matched page.js:1
    GET /api/orders matched tests/a.test.js:3 test
    POST /api/orders.add matched tests/a.test.js:5 test
    GET /api/orders matched tests/test_b.py:8 test
    POST http://test/api/orders.add matched tests/test_b.py:11 test
    GET /s/{} matched tests/test_b.py:13 test
    GET /api/orders matched tests/test_b.py:16 test
    GET /api/orders matched tests/test_b.py:19 test
    ");
}
