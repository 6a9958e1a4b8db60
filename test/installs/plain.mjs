// The application of application.ts in plain JavaScript, as ESM: no compiler, decorators called by hand.
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import * as diffsync from 'nestjs-diffsync';
import { z } from 'zod';
import plain from './plain-application.cjs';

void plain.run({ ...diffsync, Module, NestFactory, z });
