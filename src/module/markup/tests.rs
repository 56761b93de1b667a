#![allow(clippy::unwrap_used, clippy::panic)]

use insta::assert_snapshot;

use super::*;
use crate::limits::PARSE_STACK;
use crate::module::print;

fn read(language: Language, text: &str) -> Module {
    lower(language, text, &Limits::default()).unwrap()
}

fn html(text: &str) -> String {
    print::module(&read(Language::Html, text))
}

fn vue(text: &str) -> String {
    print::module(&read(Language::Vue, text))
}

#[test]
fn elements_attributes_and_texts() {
    assert_snapshot!(html(r#"<!DOCTYPE html>
        <!-- a comment -->
        <ul class=list><li>One &amp; <b>two</b><li>Three</ul>
        <input name="q" disabled value=''><br/>
        <style>a { color: red }</style>
    "#), @r###"
    <ul class="list"> <li> "One &" <b> "two"</></> <li> "Three"</></>
    <input name="q" disabled=true value=""></>
    <br></>
    <style></>
    ; a comment
    "###);
}

#[test]
fn jinja() {
    assert_snapshot!(html(r#"{% extends "base.html" %}
        {# note #}
        <a href="/x/{{ id }}/y" {% if x %}class="b"{% endif %} {{ attrs }}>Go {{ name|upper }}!</a>
        <a href='{{ url_for("shop.cart", id=3, next=item.next) | safe }}'>cart</a>
        <img src={{ asset(path('a')) }}>
        {% for i in items %}<p>{{ "text" }}{% endfor %}
    "#), @r###"
    <a href=(text "/x/" id "/y") class="b" ...=attrs> (text "Go " name|upper "!")</>
    <a href=(text (call url_for "shop.cart" id=3 next=item.next))> "cart"</>
    <img src=(text (call asset (call path "a")))></>
    <p> (text "text")</>
    ; note
    "###);
}

#[test]
fn django_handlebars_ejs_and_go() {
    assert_snapshot!(html(r#"
        <form action="{% url 'cart:add' item.id slug=item.slug as target %}">{% csrf_token %}</form>
        {% comment %} <a href="{% url 'gone' %}"> {% endcomment %}
        {{#if user}}<i>{{{ raw }}}</i>{{else}}{{> partial}}{{/if}}{{!-- note --}}
        <%# note %><% if (a < b) { %><u title="<%= user.name %>"><%- body %></u><% } %>
        {{ if .Site }}<s>{{ .Title }}</s>{{ end }}
    "#), @r###"
    <form action=(text (call url "cart:add" item.id slug=item.slug))> (text csrf_token)</>
    <i> (text raw)</>
    <u title=(text user.name)> (text body)</>
    <s> (text .Title)</>
    ; <a href="{% url 'gone' %}">
    ; note
    ; note
    "###);
}

#[test]
fn scripts_are_lowered_with_spans_of_the_file() {
    let text = "<p>ü</p>\n<script>\n  fetch('/a');\n</script>\n<script src=x>no()</script>\n\
                <script type=\"application/json\">{}</script>\n\
                <script type=module lang=ts>let a: B = c as D</script>";
    let module = read(Language::Html, text);
    assert_snapshot!(print::module(&module), @r###"
    <p> "ü"</>
    <script></>
    <script src="x"></>
    <script type="application/json"></>
    <script type="module" lang="ts"></>
    (call fetch "/a")
    (bind a: B = c)
    "###);
    let call = module.body.iter().find(|stmt| stmt.span.line == 3).unwrap();
    assert_eq!(&text[call.span.start as usize..call.span.end as usize], "fetch('/a');");
}

#[test]
fn template_syntax_in_scripts() {
    let text = r#"<script>
        // for {{ user }}
        var base = "{{ url_for("api.users") }}/list\n";
        fetch(`/api/{{ user.id }}/${x}`);
        const data = {{ data|tojson }}, multi = {{ f(
          1) }};
        {% if debug %}console.log("on {% if a %}x{% endif %}");{% endif %}
        axios.get('{% url "api" %}', {headers: {"X": "{{ csrf_token }}"}});
        const nested = {a: {b: 1}}, block = () => {{ return 1; }};
        after();
    </script>"#;
    assert_snapshot!(html(text), @r###"
    <script></>
    (bind base = (text (call url_for "api.users") "/list\n"))
    (call fetch (text "/api/" user.id "/" x))
    (bind data = data|tojson)
    (bind multi = (call f 1))
    (call console.log "on x")
    (call axios.get (text (call url "api")) {"headers": {"X": (text csrf_token)}})
    (bind nested = {"a": {"b": 1}})
    (bind block = (fn ()
      (do
        (return 1))))
    (call after)
    ; for {{ user }}
    "###);
    let module = read(Language::Html, text);
    let last = module.body.last().unwrap();
    assert_eq!(
        (last.span.line, &text[last.span.start as usize..last.span.end as usize]),
        (10, "after();")
    );
}

#[test]
fn jsx_in_a_script_keeps_its_braces() {
    assert_snapshot!(html("<script type='text/babel'>x = <a style={{b: 1}}>{c}</a></script>"), @r###"
    <script type="text/babel"></>
    (bind x = <a style={"b": 1}> c</>)
    "###);
}

#[test]
fn components_of_vue() {
    assert_snapshot!(vue(r#"<template>
          <div :class="{ a: b < c }" @click="go('/x')" v-if="d">
            <router-link :to="`/users/${id}`">{{ n < 3 ? 'a' : "}}" }} &amp; more</router-link>
            <Foo />
          </div>
        </template>
        <script setup lang="ts">
        import { ref } from 'vue'
        const a = ref<number>(1), s = "{{ no hole }}"
        </script>
        <style scoped>.a { color: red }</style>
    "#), @r###"
    <template> <div :class="{ a: b < c }" @click="go('/x')" v-if="d"> <router-link :to="`/users/${id}`"> (text n < 3 ? 'a' : "}}" " & more")</> <Foo></></></>
    <script setup=true lang="ts"></>
    <style scoped=true></>
    (import "vue" ref)
    (bind a = (call ref 1))
    (bind s = "{{ no hole }}")
    "###);
}

#[test]
fn components_of_svelte() {
    assert_snapshot!(vue(r#"<script>
          export let name; const o = { a: {} };
        </script>
        {#if a > b}<a href={url} title="x {y}" on:click={() => go(1 > 0)}>{name}</a>{/if}
    "#), @r###"
    <script></>
    <a href=(text url) title=(text "x " y) on:click=(text () => go(1 > 0))> (text name)</>
    (bind name)
    (export name name)
    (bind o = {"a": {}})
    "###);
}

#[test]
fn tags_that_do_not_nest_are_kept() {
    assert_snapshot!(html("<div><p>a</div></b><a href='/x'>b<span>c</a></span><img alt="), @r###"
    <div> <p> "a"</></>
    <a href="/x"> "b" <span> "c"</></>
    "###);
}

#[test]
fn broken_scripts_are_defects() {
    assert_snapshot!(html("<p>a</p><script>ok(); x = ;</script><script>fine()</script>"), @r###"
    <p> "a"</>
    <script></>
    <script></>
    (call ok)
    x
    (call fine)
    ! 1 syntax error
    "###);
    let deep = format!("<script>{}</script><script>fine()</script>", "[".repeat(100_000));
    let module = read(Language::Html, &deep);
    assert_eq!(module.defects[0].reason, "script left out: nested deeper than 1000 brackets");
    assert!(print::module(&module).contains("(call fine)"));
}

#[test]
fn deep_elements_are_cut_and_reported() {
    let run = || {
        let text = format!("{}x{}", "<div>".repeat(20_000), "</div>".repeat(20_000));
        read(Language::Html, &text).defects
    };
    let thread = std::thread::Builder::new().stack_size(PARSE_STACK).spawn(run).unwrap();
    let defects = thread.join().unwrap();
    let [defect] = defects.as_slice() else { panic!("{defects:?}") };
    assert_eq!(defect.reason, "nested deeper than 1000 levels");
}

#[test]
fn opening_marks_without_end_take_linear_time() {
    // Looking for the end from each of them takes quadratic time.
    for open in
        ["{{", "{%", "{#", "<%", "{{!--", "{{'a", "{% comment %}", "<script", "<style>", "{{ ("]
    {
        let text = open.repeat(400_000 / open.len());
        for dialect in [Dialect::Html, Dialect::Vue, Dialect::Svelte] {
            template::mask(&text, dialect, &LineIndex::new(&text));
        }
    }
}

#[test]
fn masking_keeps_every_offset() {
    for text in [
        "é{{ ü }}{% ö\n %}{# ß #}<%= é %>ü",
        "{{ '}}' }}{{{ x }}}{{",
        "{% comment %}{% endcomment",
        "{{{{ x }}}}{{}}",
        "<%<%%>{%%}{##}",
        "{{ it's }} {{ don't }}",
    ] {
        for dialect in [Dialect::Html, Dialect::Vue, Dialect::Svelte] {
            let masked = template::mask(text, dialect, &LineIndex::new(text));
            assert_eq!(masked.text.len(), text.len(), "{text}");
            let breaks =
                |text: &str| text.match_indices('\n').map(|(at, _)| at).collect::<Vec<_>>();
            assert_eq!(breaks(&masked.text), breaks(text));
            assert!(masked.masks.is_sorted_by(|a, b| a.end <= b.start), "{text}");
        }
    }
}
