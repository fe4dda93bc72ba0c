import { mount } from 'svelte';
import App from './App.svelte';
import './base.css';
import { ServerEngine } from './engine/server_engine';

const target = document.getElementById('app');
if (target) mount(App, { target, props: { engine: new ServerEngine('api/') } });
