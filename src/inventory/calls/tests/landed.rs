//! The smallest forms of what stands between a call and the route that answers it.

use super::linked;

/// The calls of a program given as (path, text), as `GET /sent status /route`, with the path that
/// a proxy hands on and the prefix that was inferred.
fn calls(files: &[(&str, &str)]) -> String {
    let linked = linked(files, &[]);
    let mut out = String::new();
    for call in linked {
        out += &format!("{} {} {}", call.method, call.url, call.status);
        if !call.query.is_empty() {
            out += &format!(" ?{}", call.query.join("&"));
        }
        if let Some(route) = call.route {
            out += &format!(" {}", route.path);
        }
        if let Some(nearest) = call.nearest {
            out += &format!(" near {}", nearest.route.path);
        }
        if let Some(prefix) = call.inferred_prefix {
            out += &format!(" behind {prefix}");
        }
        if let Some(opaque) = call.opaque {
            out += &format!(" below {} of {}:{}", opaque.path, opaque.file, opaque.line);
        }
        if let Some(by) = call.rewritten {
            out += &format!(" as {} by {}:{}", by.path, by.file, by.line);
        }
        out.push('\n');
    }
    out
}

/// The calls of a page beside a server that has `/orders` and `/api/bills/{id}`, with a
/// configuration.
fn with_proxy(file: &str, text: &str, page: &str) -> String {
    let server = "
const app = require('express')()
app.get('/orders', (request, response) => response.json(request.store.orders()))
app.get('/api/bills/:id', (request, response) => response.json(request.store.bill()))
app.listen(3000)
";
    let page = format!("export function load() {{\n{page}\n}}\n");
    calls(&[("server.js", server), (file, text), ("web/page.js", &page)])
}

#[test]
fn vite_hands_on_what_it_rewrites_and_puts_the_path_of_the_target_before_it() {
    let config = "
export default {
  server: {
    proxy: {
      '/shop': { target: 'http://localhost:3000', rewrite: (path) => path.replace(/^\\/shop/, '') },
      '/bills': 'http://localhost:3000/api',
      '^/v\\\\d+/orders': { target: 'http://localhost:3000', rewrite: (path) => '/orders' },
      '/maps': { target: 'https://tiles.example.com', changeOrigin: true },
    },
  },
}
";
    let page = "fetch('/shop/orders'); fetch('/bills/3'); fetch('/maps/1'); fetch('/shops/1')";
    insta::assert_snapshot!(with_proxy("web/vite.config.js", config, page), @r"
    GET /bills/3 matched /api/bills/{id} as /api/bills/3 by web/vite.config.js:1
    GET /maps/1 external as /maps/1 by web/vite.config.js:8
    GET /shop/orders matched /orders as /orders by web/vite.config.js:5
    GET /shops/1 missing
    ");
}

#[test]
fn webpack_has_a_list_or_a_map_with_expressions() {
    let list = "
module.exports = {
  devServer: {
    proxy: [{ context: ['/shop', '/desk'], target: 'http://localhost:3000', pathRewrite: { '^/(shop|desk)': '' } }],
  },
}
";
    let page = "fetch('/shop/orders'); fetch('/desk/orders'); fetch('/bar/orders')";
    insta::assert_snapshot!(with_proxy("web/webpack.config.js", list, page), @r"
    GET /bar/orders path-mismatch near /orders
    GET /desk/orders matched /orders as /orders by web/webpack.config.js:4
    GET /shop/orders matched /orders as /orders by web/webpack.config.js:4
    ");
    let map = "
module.exports = (env) => ({
  devServer: { proxy: { '/shop/**': { target: 'http://localhost:3000', pathRewrite: { '^/shop': '' } } } },
})
";
    insta::assert_snapshot!(with_proxy("web/webpack.config.js", map, page), @r"
    GET /bar/orders path-mismatch near /orders
    GET /desk/orders path-mismatch near /orders
    GET /shop/orders matched /orders as /orders by web/webpack.config.js:3
    ");
}

#[test]
fn angular_reads_its_proxies_from_a_file_of_their_own() {
    let page = "fetch('/shop/orders'); fetch('/maps/1')";
    let json = "{ \"/shop/*\": { \"target\": \"http://localhost:3000\", \"pathRewrite\": { \"^/shop\": \"\" } },
  \"/maps\": { \"target\": \"https://tiles.example.com\" } }";
    insta::assert_snapshot!(with_proxy("web/proxy.conf.json", json, page), @r"
    GET /maps/1 external as /maps/1 by web/proxy.conf.json:1
    GET /shop/orders matched /orders as /orders by web/proxy.conf.json:1
    ");
    let named = "{ \"projects\": { \"web\": { \"architect\": { \"serve\": { \"options\":
      { \"proxyConfig\": \"web/development.js\" } } } } } }";
    let script = "
module.exports = [{ context: ['/shop'], target: 'http://localhost:3000', pathRewrite: { '^/shop': '' } }]
";
    let files = [
        ("angular.json", named),
        (
            "server.js",
            "const app = require('express')()\napp.get('/orders', list)\napp.listen(1)\n",
        ),
        ("web/development.js", script),
        ("web/page.js", "fetch('/shop/orders')\n"),
    ];
    insta::assert_snapshot!(calls(&files), @r"GET /shop/orders matched /orders as /orders by web/development.js:2");
}

#[test]
fn create_react_app_hands_on_all_that_it_does_not_have_and_what_it_is_set_up_for() {
    let manifest = "{
  \"dependencies\": { \"react-scripts\": \"5\" },
  \"proxy\": \"http://localhost:3000/api\"
}";
    let page = "fetch('/bills/3'); fetch('/orders')";
    insta::assert_snapshot!(with_proxy("web/package.json", manifest, page), @r"
    GET /bills/3 matched /api/bills/{id} as /api/bills/3 by web/package.json:3
    GET /orders matched /orders
    ");
    // Nobody else reads it.
    let other = "{ \"proxy\": \"http://localhost:3000/api\" }";
    insta::assert_snapshot!(with_proxy("web/package.json", other, page), @r"
    GET /bills/3 missing
    GET /orders matched /orders
    ");
    let setup = "
const { createProxyMiddleware } = require('http-proxy-middleware')
module.exports = function (app) {
  app.use('/shop', createProxyMiddleware({ target: 'http://localhost:3000', pathRewrite: { '^/shop': '' } }))
  app.use(createProxyMiddleware('/desk', { target: 'http://localhost:3000', pathRewrite: { '^/desk': '' } }))
}
";
    let page = "fetch('/shop/orders'); fetch('/desk/orders')";
    let with = |version: &str| {
        let manifest =
            format!("{{ \"devDependencies\": {{ \"http-proxy-middleware\": \"{version}\" }} }}");
        calls(&[
            (
                "server.js",
                "const app = require('express')()\napp.get('/orders', list)\napp.listen(1)\n",
            ),
            ("web/package.json", &manifest),
            ("web/src/page.js", &format!("{page}\n")),
            ("web/src/setupProxy.js", setup),
        ])
    };
    insta::assert_snapshot!(with("^2.0.6"), @r"
    GET /desk/orders matched /orders as /orders by web/src/setupProxy.js:5
    GET /shop/orders matched /orders as /orders by web/src/setupProxy.js:4
    ");
}

#[test]
fn a_handler_that_hands_on_sees_what_follows_its_path_since_its_third_version() {
    let with = |version: &str| {
        let manifest =
            format!("{{ \"dependencies\": {{ \"http-proxy-middleware\": \"{version}\" }} }}");
        calls(&[
            (
                "api/server.js",
                "const app = require('express')()\napp.get('/orders', list)\napp.listen(1)\n",
            ),
            ("gate/package.json", &manifest),
            (
                "gate/server.js",
                "
const express = require('express')
const { createProxyMiddleware } = require('http-proxy-middleware')
const app = express()
app.use('/shop', createProxyMiddleware({ target: 'http://api:3000' }))
app.listen(80)
",
            ),
            ("web/page.js", "fetch('/shop/orders')\n"),
        ])
    };
    insta::assert_snapshot!(with("^3.0.0"), @r"GET /shop/orders matched /orders as /orders by gate/server.js:5");
    insta::assert_snapshot!(with("^2.0.0"), @r"GET /shop/orders path-mismatch near /orders");
}

#[test]
fn nuxt_and_nitro_hand_on_below_a_path() {
    let config = "
export default defineNuxtConfig({
  routeRules: { '/shop/**': { proxy: 'http://localhost:3000/**' }, '/first': { proxy: { to: 'http://localhost:3000/orders' } } },
  nitro: { devProxy: { '/desk': { target: 'http://localhost:3000' }, '/money': 'http://localhost:3000/api' } },
})
";
    let page =
        "fetch('/shop/orders'); fetch('/first'); fetch('/desk/orders'); fetch('/money/bills/1')";
    insta::assert_snapshot!(with_proxy("web/nuxt.config.js", config, page), @r"
    GET /desk/orders matched /orders as /orders by web/nuxt.config.js:4
    GET /first matched /orders as /orders by web/nuxt.config.js:3
    GET /money/bills/1 matched /api/bills/{id} as /api/bills/1 by web/nuxt.config.js:1
    GET /shop/orders matched /orders as /orders by web/nuxt.config.js:3
    ");
}

#[test]
fn nginx_replaces_what_a_location_begins_with_where_its_target_has_a_path() {
    let config = r#"
http {
  upstream api { server api:3000; }   # a comment; with { braces
  server {
    location / { root /srv; try_files $uri /index.html; }
    location /shop/ { proxy_pass http://api/; }
    location /bills { proxy_pass http://api/api/bills; }
    location /api/ { proxy_pass http://api; }
    location ~ ^/desk/(?<rest>.*)$ { proxy_pass "http://api/$rest$is_args$args"; }
    location ^~ /counter/ { rewrite ^/counter/(.*)$ /$1 break; proxy_pass http://api; }
    location = /newest { proxy_pass http://api/orders; }
    location /maps/ { proxy_pass https://tiles.example.com/; }
  }
}
"#;
    let page = "fetch('/shop/orders'); fetch('/bills/3'); fetch('/api/bills/3')
fetch('/desk/orders'); fetch('/counter/orders'); fetch('/newest'); fetch('/maps/1'); fetch('/bar/x')";
    insta::assert_snapshot!(with_proxy("deploy/nginx.conf", config, page), @r"
    GET /api/bills/3 matched /api/bills/{id}
    GET /bills/3 matched /api/bills/{id} as /api/bills/3 by deploy/nginx.conf:7
    GET /shop/orders matched /orders as /orders by deploy/nginx.conf:6
    GET /bar/x missing
    GET /counter/orders matched /orders as /orders by deploy/nginx.conf:10
    GET /desk/orders matched /orders as /orders by deploy/nginx.conf:9
    GET /maps/1 external as /1 by deploy/nginx.conf:12
    GET /newest matched /orders as /orders by deploy/nginx.conf:11
    ");
}
#[test]
fn templates_ask_for_routes_of_django_by_name() {
    let files = [
        ("manage.py", "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n"),
        ("shop/settings.py", "ROOT_URLCONF = 'shop.urls'\n"),
        ("shop/urls.py", "from django.urls import include, path\nurlpatterns = [path('orders/', include('orders.urls'))]\n"),
        (
            "orders/urls.py",
            "from django.urls import path
from . import views
app_name = 'orders'
urlpatterns = [path('', views.index, name='index'), path('<int:pk>/', views.show, name='show')]
",
        ),
        (
            "orders/views.py",
            "import requests
from django.http import JsonResponse
from django.urls import reverse
def index(request): return JsonResponse(load())
def show(request, pk): return JsonResponse(requests.get('http://localhost:8000' + reverse('orders:show', args=[pk])).json())
",
        ),
        (
            "orders/templates/orders.html",
            "<form action=\"{% url 'orders:index' %}\" method=\"post\"></form>
<a hx-get=\"{% url 'orders:show' order.pk %}\">one</a>
<a hx-get=\"{% url 'show' pk=7 %}?full=1\">seven</a>
<a hx-get=\"{% url 'bills:show' pk=7 %}\">nothing</a>
<script>fetch(\"{% url 'orders:index' %}\"); fetch('{% url \"orders:show\" 3 %}')</script>
",
        ),
    ];
    insta::assert_snapshot!(calls(&files), @r"
    POST /orders/ matched /orders/
    GET /orders/{}/ matched /orders/{pk}/
    GET /orders/7/ matched ?full /orders/{pk}/
    GET {} dynamic
    GET /orders/ matched /orders/
    GET /orders/3/ matched /orders/{pk}/
    GET http://localhost:8000/orders/{}/ matched /orders/{pk}/
    ");
}

#[test]
fn templates_ask_for_routes_of_flask_by_name() {
    let files = [
        (
            "app.py",
            "from flask import Blueprint, Flask
api = Blueprint('api', __name__, url_prefix='/api')
@api.route('/items')
def items(): return load()
@api.route('/items/<int:id>', methods=['GET', 'DELETE'])
def item(id): return load(id)
app = Flask(__name__)
app.register_blueprint(api)
",
        ),
        (
            "templates/items.html",
            "<form action=\"{{ url_for('api.items') }}\"></form>
<script>
fetch(\"{{ url_for('api.items', page=2) }}\")
fetch(\"{{ url_for('.item', id=4) }}\", { method: 'DELETE' })
fetch(`{{ url_for('api.items') }}/${id}`)
fetch('{{ url_for(\"api.item\", id=item.id) }}')
</script>
",
        ),
    ];
    insta::assert_snapshot!(calls(&files), @r"
    GET /api/items matched /api/items
    GET /api/items matched ?page /api/items
    DELETE /api/items/4 matched /api/items/{id}
    GET /api/items/{} matched /api/items/{id}
    GET /api/items/{} matched /api/items/{id}
    ");
}

#[test]
fn a_prefix_that_nobody_has_written_is_said_to_be_inferred() {
    let server = "
const app = require('express')()
app.get('/api/orders', list)
app.get('/api/bills', list)
app.get('/health', list)
app.listen(3000)
";
    let page = "
import { BASE } from 'settings'
fetch(`${BASE}/orders`)
fetch(`${BASE}/bills`)
fetch(`${BASE}/bill`)
fetch('/health')
";
    insta::assert_snapshot!(calls(&[("server.js", server), ("web/page.js", page)]), @r"
    GET {}/orders matched /api/orders behind /api
    GET {}/bills matched /api/bills behind /api
    GET {}/bill path-mismatch near /api/bills behind /api
    GET /health matched /health
    ");
    // A route that takes any name below its own is no sign of a base.
    let server = "
const app = require('express')()
app.get('/users/:login', show)
app.listen(3000)
";
    let page = "
import { BASE } from 'settings'
fetch(`${BASE}/settings.yml`)
";
    let found = calls(&[("server.js", server), ("web/page.js", page)]);
    assert_eq!(found, "GET {}/settings.yml dynamic\n");
}

#[test]
fn nobody_knows_what_a_handler_of_a_library_answers() {
    let server = "
const express = require('express')
const { toNodeHandler } = require('better-auth/node')
const rateLimit = require('express-rate-limit')
const jobs = require('jobs')
const app = express()
app.use('/api/auth', toNodeHandler(auth))
app.get('/api/auth/me', (request, response) => response.json(request.user))
app.use('/api/orders', rateLimit())
app.use('/api/orders', jobs.count())
app.get('/api/orders', (request, response) => response.json(request.store.orders()))
app.use('/api/jobs', jobs.start())
app.use('/api/mail', (request, response) => jobs.mail(request, response))
app.all('/api/files/*', jobs.files())
app.listen(3000)
";
    let page = "
fetch('/api/auth/sign-in')
fetch('/api/auth/me')
fetch('/api/orders/late')
fetch('/api/jobs/1')
fetch('/api/mail/1')
fetch('/api/files/1')
fetch('/api/bills/all/late')
";
    insta::assert_snapshot!(calls(&[("server.js", server), ("web/page.js", page)]), @r"
    GET /api/auth/sign-in dynamic below /api/auth of server.js:7
    GET /api/auth/me matched /api/auth/me
    GET /api/orders/late missing
    GET /api/jobs/1 dynamic below /api/jobs of server.js:12
    GET /api/mail/1 dynamic below /api/mail of server.js:13
    GET /api/files/1 dynamic below /api/files of server.js:14
    GET /api/bills/all/late missing
    ");
}

#[test]
fn applications_of_python_mount_what_nobody_knows() {
    let files = [
        (
            "main.py",
            "from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from jobs import make_app
app = FastAPI()
app.mount('/jobs', make_app())
@app.get('/orders')
def orders(): return load()
",
        ),
        ("web/page.js", "fetch('/jobs/1')\nfetch('/bills/x/y')\n"),
    ];
    insta::assert_snapshot!(calls(&files), @r"
    GET /jobs/1 dynamic below /jobs of main.py:5
    GET /bills/x/y missing
    ");
    let files = [
        ("manage.py", "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 's')\n"),
        ("s.py", "ROOT_URLCONF = 'urls'\n"),
        (
            "urls.py",
            "from django.urls import include, path
urlpatterns = [path('accounts/', include('allauth.urls'))]
",
        ),
        ("web/page.js", "fetch('/accounts/login/')\nfetch('/bills/x/y')\n"),
    ];
    insta::assert_snapshot!(calls(&files), @r"
    GET /accounts/login/ dynamic below /accounts of urls.py:2
    GET /bills/x/y missing
    ");
}

#[test]
fn hono_mounts_what_nobody_knows() {
    let server = "
import { Hono } from 'hono'
import { jobs } from 'jobs'
const app = new Hono()
app.use('/api/jobs/*', jobs.getApiHandler())
app.route('/api/mail', jobs.mail())
app.get('/api/orders', (c) => c.json(load()))
export default app
";
    let page = "fetch('/api/jobs/1')\nfetch('/api/mail/1')\nfetch('/bills/x/y')\n";
    insta::assert_snapshot!(calls(&[("server.ts", server), ("web/page.ts", page)]), @r"
    GET /api/jobs/1 dynamic below /api/jobs of server.ts:5
    GET /api/mail/1 dynamic below /api/mail of server.ts:6
    GET /bills/x/y missing
    ");
}

#[test]
fn statistics_add_up_for_any_list_of_calls() {
    use crate::inventory::calls::statistics::Statistics;
    use crate::inventory::calls::{Call, Status};

    let call = |seed: usize| Call {
        method: ["GET", "POST", "{}"][seed % 3].to_owned(),
        url: format!("/{seed}"),
        query: Vec::new(),
        file: ["a.js", "web/a.js", "web/deep/b.js", "api/c.py"][seed / 3 % 4].to_owned(),
        line: 1,
        client: "fetch".to_owned(),
        status: Status::ALL[seed / 5 % Status::ALL.len()],
        route: None,
        nearest: None,
        rewritten: None,
        inferred_prefix: None,
        opaque: None,
        way: Vec::new(),
    };
    for size in [0, 1, 2, 7, 60, 193] {
        // Calls in no order.
        let calls: Vec<Call> = (0..size).map(|at| call(at * 31 % 193)).collect();
        let said = Statistics::of(&calls);
        assert_eq!(said.total, size);
        assert_eq!(said.by_status.iter().map(|share| share.total).sum::<usize>(), size);
        let matched = calls.iter().filter(|call| call.status == Status::Matched).count();
        assert_eq!(said.matched, matched);
        for shares in [&said.by_method, &said.by_module, &said.by_file] {
            assert_eq!(shares.iter().map(|share| share.total).sum::<usize>(), size);
            assert_eq!(shares.iter().map(|share| share.matched).sum::<usize>(), matched);
            assert!(shares.iter().all(|share| share.total > 0 && share.matched <= share.total));
            assert!(shares.windows(2).all(|two| two[0].name < two[1].name));
        }
    }
}

#[test]
fn a_form_that_only_asks_opens_a_page_that_a_catch_all_serves() {
    let server = "
const app = require('express')()
app.get('/api/orders', list)
app.get('/*', page)
app.listen(3000)
";
    let page = "<form action='/search'></form><form action='/search' method='post'></form>
<script>fetch('/search')</script>";
    insta::assert_snapshot!(calls(&[("server.js", server), ("web/page.html", page)]), @r"
    GET /search matched /{*}
    POST /search missing
    GET /search missing
    ");
}
