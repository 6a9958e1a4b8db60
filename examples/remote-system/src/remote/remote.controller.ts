import { randomUUID } from 'node:crypto';
import {
  Body,
  ConflictException,
  Controller,
  Delete,
  Get,
  HttpCode,
  NotFoundException,
  Param,
  Patch,
  Post,
  Query,
} from '@nestjs/common';

const PAGE = 5;

interface Country {
  readonly regionId: string;
  readonly code: string;
  readonly name: string;
  readonly capital: string;
  readonly currency: string;
}

/** Stands for somebody else's system: a REST API with ids of its own, pages, and an opinion on the order of deletes. */
@Controller()
export class RemoteController {
  private readonly regions = new Map<string, { readonly name: string }>();
  private readonly countries = new Map<string, Country>();

  constructor() {
    const north = this.createRegion({ name: 'Northern Europe' });
    const antarctic = this.createRegion({ name: 'Antarctica' });
    this.createCountry({ regionId: north.id, code: 'DK', name: 'Denmark', capital: 'Copenhagen', currency: 'DKK' });
    this.createCountry({ regionId: north.id, code: 'LT', name: 'Lithuania', capital: 'Kaunas', currency: 'LTL' });
    this.createCountry({ regionId: north.id, code: 'LV', name: 'Latvia', capital: 'Riga', currency: 'LVL' });
    this.createCountry({ regionId: antarctic.id, code: 'AQ', name: 'Antarctica', capital: '', currency: '' });
  }

  @Get('regions')
  listRegions() {
    return [...this.regions].map(([id, region]) => ({ id, ...region }));
  }

  @Get('countries')
  listCountries(@Query('page') page: string) {
    const all = [...this.countries].map(([id, country]) => ({ id, ...country }));
    const start = PAGE * (Number(page) - 1);
    return { pages: Math.ceil(all.length / PAGE), countries: all.slice(start, start + PAGE) };
  }

  @Post('regions')
  createRegion(@Body() region: { readonly name: string }) {
    const id = randomUUID();
    this.regions.set(id, region);
    return { id };
  }

  @Post('countries')
  createCountry(@Body() country: Country) {
    if (!this.regions.has(country.regionId)) throw new NotFoundException(`no region ${country.regionId}`);
    const id = randomUUID();
    this.countries.set(id, country);
    return { id };
  }

  @Patch('countries/:id')
  @HttpCode(204)
  changeCountry(@Param('id') id: string, @Body() fields: Partial<Country>) {
    const country = this.countries.get(id);
    if (country === undefined) throw new NotFoundException(`no country ${id}`);
    this.countries.set(id, { ...country, ...fields });
  }

  @Delete('countries/:id')
  @HttpCode(204)
  deleteCountry(@Param('id') id: string) {
    if (!this.countries.delete(id)) throw new NotFoundException(`no country ${id}`);
  }

  @Delete('regions/:id')
  @HttpCode(204)
  deleteRegion(@Param('id') id: string) {
    const used = [...this.countries.values()].some(({ regionId }) => regionId === id);
    if (used) throw new ConflictException('the region has countries');
    if (!this.regions.delete(id)) throw new NotFoundException(`no region ${id}`);
  }
}
