import { mount } from 'svelte';
import App from './App.svelte';
import './base.css';
import { ServerEngine } from './engine/server_engine';
import { carriesModel, openPage } from './live/open_page';

/** The page asks its server, or the model that it carries. */
const engine = carriesModel(document) ? await openPage(document) : new ServerEngine('api/');
const target = document.getElementById('app');
if (target) mount(App, { target, props: { engine } });
