// The application of application.ts in plain JavaScript, as CommonJS by `require`: no compiler, decorators called by hand.
const { Module } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const diffsync = require('nestjs-diffsync');
const { z } = require('zod');
const { run } = require('./plain-application.cjs');

void run({ ...diffsync, Module, NestFactory, z });
