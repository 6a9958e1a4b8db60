import { render } from 'preact';
import { App } from './app.js';

const root = document.getElementById('board');
if (root === null) throw new Error('index.html has no element #board');
render(<App />, root);
